/** Access control: scopes, the roles that bundle them, and the authenticated caller. */

/** Permissions that a caller can have and that a function can require in its manifest. */
export const scopes = [
  'faces:read',
  'faces:write',
  'persons:read',
  'persons:write',
  'images:read',
  'metrics:read',
  'audit:read',
  'users:manage',
  'webhooks:manage',
  'events:manage',
  'tenant:manage',
  'tenants:manage',
] as const;
export type Scope = (typeof scopes)[number];

/** A requirement of a function: a scope, or `signed-in` for any authenticated caller. */
export type RequiredScope = Scope | 'signed-in';

/** Roles, each with all scopes of the role before it. */
export const roles = ['viewer', 'operator', 'admin', 'owner'] as const;
export type Role = (typeof roles)[number];

const viewing: readonly Scope[] = ['faces:read', 'persons:read', 'images:read'];
const operating: readonly Scope[] = [...viewing, 'faces:write', 'persons:write'];
const administering: readonly Scope[] = [
  ...operating,
  'metrics:read',
  'audit:read',
  'users:manage',
  'webhooks:manage',
  'events:manage',
  'tenant:manage',
];

/** A viewer reads, an operator also enrols and erases, an admin also manages one tenant, an owner also creates tenants. */
export const scopesOfRole: Readonly<Record<Role, readonly Scope[]>> = {
  viewer: viewing,
  operator: operating,
  admin: administering,
  owner: [...administering, 'tenants:manage'],
};

/** The authenticated caller of a function. */
export interface Principal {
  /** `user`: a user of FreeFace; `key`: a service key; `outside`: a user of an external token issuer. */
  readonly kind: 'user' | 'key' | 'outside';
  /** Unique within the tenant and the kind. The audit log contains it. */
  readonly id: string;
  /** For people to read. */
  readonly name: string;
  readonly role: Role | null;
  readonly scopes: ReadonlySet<Scope>;
  /** The login session of the user's token; null without a session. */
  readonly sessionId: string | null;
}

/** true when `principal` may call a function that requires `required`. */
export function mayCall(principal: Principal, required: RequiredScope): boolean {
  return required === 'signed-in' || principal.scopes.has(required);
}

/** true when `principal` has every scope of `wanted`. A caller cannot grant a scope that it does not have. */
export function mayGrant(principal: Principal, wanted: readonly Scope[]): boolean {
  return wanted.every((scope) => principal.scopes.has(scope));
}
