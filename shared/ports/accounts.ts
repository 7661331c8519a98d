import type { Role, Scope } from '../domain/access.ts';
import type { Page, PageOptions } from './pages.ts';
import type { CallOptions, Tenant } from './tenant.ts';

/** How much a tenant may hold; null: as much as there is room for. */
export interface Quota {
  readonly persons: number | null;
  readonly faces: number | null;
  /** Of stored images. */
  readonly bytes: number | null;
}

/** Days after which something goes by itself; null: never. */
export interface Retention {
  readonly imagesDays: number | null;
  readonly unknownFacesDays: number | null;
}

export interface TenantSettings {
  readonly quota: Quota;
  /** Enrolment of somebody without a consent that is in force is refused. */
  readonly consentRequired: boolean;
  readonly retention: Retention;
}

export interface TenantRecord extends TenantSettings {
  readonly tenant: Tenant;
  /** For people to read. */
  readonly name: string;
  /** Milliseconds since the epoch. */
  readonly createdAt: number;
  readonly updatedAt: number;
  /** 1, then +1 with every change. */
  readonly version: number;
}
export type NewTenant = Pick<TenantRecord, 'tenant' | 'name'> & TenantSettings;

export interface User {
  readonly userId: string;
  /** What is typed to log in; unique per tenant without regard to case. Kept in lower case. */
  readonly username: string;
  readonly name: string;
  readonly role: Role;
  /** See shared/identity/passwords.ts. */
  readonly passwordHash: string;
  readonly disabled: boolean;
  readonly createdAt: number;
  readonly updatedAt: number;
  readonly version: number;
}
export type NewUser = Omit<User, 'createdAt' | 'updatedAt' | 'version'>;
export type UserChanges = Partial<Pick<User, 'name' | 'role' | 'passwordHash' | 'disabled'>>;

/** A key of a service. Only a digest of its secret is kept. */
export interface ApiKey {
  readonly keyId: string;
  readonly name: string;
  readonly scopes: readonly Scope[];
  /** SHA-256 of the secret, hex. */
  readonly secretDigest: string;
  /** Who made it: `user:…` or `key:…`; null: the platform itself. */
  readonly createdBy: string | null;
  readonly createdAt: number;
  readonly expiresAt: number | null;
  readonly revokedAt: number | null;
}
export type NewApiKey = Omit<ApiKey, 'createdAt' | 'revokedAt'>;

/** One login of a user; its refresh token changes with every use. */
export interface Session {
  readonly sessionId: string;
  readonly userId: string;
  /** SHA-256 of the refresh token that is good now, hex. */
  readonly refreshDigest: string;
  readonly createdAt: number;
  readonly expiresAt: number;
}

/** A session as its user receives it, at login and at each refresh. The tokens are secret, and no store keeps them. */
export interface OpenSession {
  readonly tenant: Tenant;
  readonly user: User;
  readonly accessToken: string;
  /** Lifetime of the access token, in seconds. */
  readonly expiresIn: number;
  readonly refreshToken: string;
  /** Lifetime of the refresh token, in seconds. */
  readonly refreshExpiresIn: number;
}

/** A key that signs tokens and receipts. Private halves are encrypted at rest. */
export interface SigningKey {
  readonly keyId: string;
  readonly algorithm: 'EdDSA';
  /** JWK in JSON, with its private part. */
  readonly privateJwk: string;
  /** JWK in JSON, public. */
  readonly publicJwk: string;
  readonly createdAt: number;
}

/**
 * Tenants, users, service keys, sessions and signing keys. What a resolved write has done is seen by every later read and survives
 * a crash. Errors (AppError): TENANT_EXISTS, TENANT_NOT_FOUND, USER_EXISTS, USER_NOT_FOUND, VERSION_CONFLICT, PAGE_TOKEN_INVALID,
 * STORE_UNAVAILABLE.
 */
export interface Accounts {
  /** With `firstKey`, both come to be or neither does. Errors: TENANT_EXISTS (of two concurrent calls exactly one wins). */
  createTenant(
    tenant: NewTenant,
    options?: CallOptions & { readonly firstKey?: NewApiKey | undefined },
  ): Promise<TenantRecord>;
  getTenant(tenant: Tenant, options?: CallOptions): Promise<TenantRecord | null>;
  /** Oldest first. */
  listTenants(options: PageOptions): Promise<Page<TenantRecord>>;
  /** Errors: TENANT_NOT_FOUND, VERSION_CONFLICT when `version` is given and not the stored one. */
  updateTenant(
    tenant: Tenant,
    changes: Partial<Pick<TenantRecord, 'name'> & TenantSettings>,
    options?: CallOptions & { version?: number | undefined },
  ): Promise<TenantRecord>;

  /** Errors: TENANT_NOT_FOUND, USER_EXISTS (of two concurrent calls exactly one wins). */
  createUser(tenant: Tenant, user: NewUser, options?: CallOptions): Promise<User>;
  getUser(tenant: Tenant, userId: string, options?: CallOptions): Promise<User | null>;
  getUserByName(tenant: Tenant, username: string, options?: CallOptions): Promise<User | null>;
  /** Oldest first. */
  listUsers(tenant: Tenant, options: PageOptions): Promise<Page<User>>;
  /** A new password, role or `disabled: true` also ends the user's sessions, except `keepSession`. Errors: USER_NOT_FOUND, VERSION_CONFLICT. */
  updateUser(
    tenant: Tenant,
    userId: string,
    changes: UserChanges,
    options?: CallOptions & { version?: number | undefined; keepSession?: string | undefined },
  ): Promise<User>;
  /** With all sessions. Resolves to whether there was one. */
  deleteUser(tenant: Tenant, userId: string, options?: CallOptions): Promise<boolean>;

  /** Errors: TENANT_NOT_FOUND. */
  createApiKey(tenant: Tenant, key: NewApiKey, options?: CallOptions): Promise<ApiKey>;
  /** Also when revoked or expired. */
  getApiKey(tenant: Tenant, keyId: string, options?: CallOptions): Promise<ApiKey | null>;
  /** Oldest first, revoked ones too. */
  listApiKeys(tenant: Tenant, options: PageOptions): Promise<Page<ApiKey>>;
  /** For good. The key as it is now, null when there is none; the second time changes nothing. */
  revokeApiKey(tenant: Tenant, keyId: string, options?: CallOptions): Promise<ApiKey | null>;

  /** Also clears away sessions that have expired. Errors: USER_NOT_FOUND. */
  createSession(tenant: Tenant, session: Omit<Session, 'createdAt'>, options?: CallOptions): Promise<void>;
  /** The session and its user; null when it ended, expired or never was. */
  getSession(
    tenant: Tenant,
    sessionId: string,
    options?: CallOptions,
  ): Promise<{ readonly session: Session; readonly user: User } | null>;
  /**
   * Replaces the refresh token `from` by `to`. `reused`: `from` is not the one that is good now; the session has been ended, since
   * one of the two who hold the token stole it. Of two concurrent calls exactly one is `rotated`.
   */
  rotateSession(
    tenant: Tenant,
    sessionId: string,
    digests: { readonly from: string; readonly to: string; readonly expiresAt: number },
    options?: CallOptions,
  ): Promise<'rotated' | 'reused' | 'gone'>;
  /** Resolves to whether there was one. */
  endSession(tenant: Tenant, sessionId: string, options?: CallOptions): Promise<boolean>;

  /** Newest first; never empty after the first `addSigningKey`. */
  signingKeys(options?: CallOptions): Promise<SigningKey[]>;
  /**
   * Adds a key unless there is one created after `unlessNewerThan` (milliseconds since the epoch); so of many that rotate at once only
   * one does. Resolves to whether it was added.
   */
  addSigningKey(
    key: Omit<SigningKey, 'createdAt'>,
    options: CallOptions & { readonly unlessNewerThan: number },
  ): Promise<boolean>;
  close(): Promise<void>;
}
