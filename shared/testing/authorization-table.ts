/**
 * Who may call what, written out by hand. The manifests say the same in scopes; a test compares both, route by route.
 *
 * `anyone` needs no credential. Otherwise the least of the roles that may: those after it may as well
 * (viewer < operator < admin < owner). `signed-in` is any of them, and any service key.
 */
export const whoMayCall = {
  'api-docs': 'anyone',
  'get-health': 'anyone',
  'get-liveness': 'anyone',
  'get-readiness': 'anyone',
  'get-key-set': 'anyone',
  'log-in': 'anyone',
  'refresh-session': 'anyone',

  'change-password': 'signed-in',
  'get-identity': 'signed-in',
  'log-out': 'signed-in',

  'detect-faces': 'viewer',
  'download-image': 'viewer',
  'get-face': 'viewer',
  'get-image': 'viewer',
  'get-person': 'viewer',
  'get-person-by-external-id': 'viewer',
  'get-timeline': 'viewer',
  'list-appearances': 'viewer',
  'list-persons': 'viewer',
  'list-persons-by-external-ids': 'viewer',
  'recognize-faces': 'viewer',
  'search-faces': 'viewer',

  'create-person': 'operator',
  'enroll-face': 'operator',
  'enroll-face-async': 'operator',
  'erase-face': 'operator',
  'erase-person': 'operator',
  'get-enrollment-status': 'operator',
  'update-person': 'operator',

  'create-api-key': 'admin',
  'create-user': 'admin',
  'delete-user': 'admin',
  'export-audit': 'admin',
  'get-metrics': 'admin',
  'get-prometheus-metrics': 'admin',
  'get-tenant': 'admin',
  'get-user': 'admin',
  'list-api-keys': 'admin',
  'list-audit': 'admin',
  'list-users': 'admin',
  'revoke-api-key': 'admin',
  'update-tenant': 'admin',
  'update-user': 'admin',

  'create-tenant': 'owner',
  'list-tenants': 'owner',
} as const satisfies Readonly<Record<string, 'anyone' | 'signed-in' | 'viewer' | 'operator' | 'admin' | 'owner'>>;
