/** Who may do what: scopes, the roles that bundle them, and whoever makes a call. */

/** What a service key can be given, and what a function asks for in its manifest. */
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

/** What a function asks of its caller: a scope, or only that it is known who calls. */
export type RequiredScope = Scope | 'signed-in';

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

/** viewer looks, operator enrols and erases, admin rules one tenant, owner makes tenants as well. */
export const scopesOfRole: Readonly<Record<Role, readonly Scope[]>> = {
  viewer: viewing,
  operator: operating,
  admin: administering,
  owner: [...administering, 'tenants:manage'],
};

/** Whoever makes a call, once it is proved. */
export interface Principal {
  /** A user of ours, a service key, or a user of an outside issuer. */
  readonly kind: 'user' | 'key' | 'outside';
  /** Unique within the tenant and the kind; stands in the audit log. */
  readonly id: string;
  /** For people to read. */
  readonly name: string;
  readonly role: Role | null;
  readonly scopes: ReadonlySet<Scope>;
  /** The login that a user's token belongs to. */
  readonly sessionId: string | null;
}

/** Whether `principal` may call what asks for `required`. */
export function mayCall(principal: Principal, required: RequiredScope): boolean {
  return required === 'signed-in' || principal.scopes.has(required);
}

/** Nobody hands out more than they have: whether every scope of `wanted` is one of `principal`'s. */
export function mayGrant(principal: Principal, wanted: readonly Scope[]): boolean {
  return wanted.every((scope) => principal.scopes.has(scope));
}
