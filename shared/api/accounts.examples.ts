/** Example users, keys, tenants and logins for the API page: from a real run, with shortened secrets. */

const userId = '01a20de0-12c3-740f-a849-0c6622554e6a';

export const user = {
  user_id: userId,
  username: 'ada',
  name: 'Ada Lovelace',
  role: 'operator',
  disabled: false,
  ends_with_key: null,
  created_at: '2026-05-01T10:00:00.000Z',
  updated_at: '2026-05-01T10:00:00.000Z',
  version: 1,
};

export const tokens = {
  access_token: 'eyJhbGciOiJFZERTQSIs…',
  token_type: 'Bearer',
  expires_in: 600,
  refresh_token: 'ffr.default.01a20de0-150f-735f-ac2c-11bcee3f975f.FKZl…',
  refresh_expires_in: 1_209_600,
  user: { user_id: userId, username: 'ada', name: 'Ada Lovelace', role: 'operator', tenant: 'default' },
};

export const identity = {
  kind: 'user',
  id: userId,
  name: 'Ada Lovelace',
  username: 'ada',
  tenant: 'default',
  role: 'operator',
  scopes: ['faces:read', 'faces:write', 'persons:read', 'persons:write', 'images:read'],
  expires_at: '2026-05-15T10:00:00.000Z',
};

export const apiKey = {
  key_id: 'pA8zz7VCCPrA',
  name: 'front door',
  scopes: ['faces:read', 'persons:read'],
  created_by: 'key:S5MpwNFcD_qj',
  ends_with_key: 'S5MpwNFcD_qj',
  created_at: '2026-05-01T10:00:00.000Z',
  expires_at: '2026-07-30T10:00:00.000Z',
  revoked_at: null,
};

export const tenant = {
  tenant: 'north',
  name: 'North site',
  quota: { persons: 5000, faces: null, bytes: null },
  consent_required: true,
  retention: { images_days: null, unknown_faces_days: null },
  time_zone: 'Europe/Berlin',
  created_at: '2026-05-01T10:00:00.000Z',
  updated_at: '2026-05-01T10:00:00.000Z',
  version: 1,
};
