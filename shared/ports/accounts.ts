import type { Role, Scope } from '../domain/access.ts';
import type { Page, PageOptions } from './pages.ts';
import type { CallOptions, Tenant } from './tenant.ts';

/** How much a tenant may store; null: no limit. */
export interface Quota {
  readonly persons: number | null;
  readonly faces: number | null;
  /** Sum of the sizes of the stored images. */
  readonly bytes: number | null;
}

/** Days after which data is deleted automatically; null: never. */
export interface Retention {
  readonly imagesDays: number | null;
  readonly unknownFacesDays: number | null;
}

export interface TenantSettings {
  readonly quota: Quota;
  /** true: the enrolment of a person without a valid consent is refused. */
  readonly consentRequired: boolean;
  readonly retention: Retention;
  /** IANA name of the zone of cameras that write neither an offset nor a GPS time; null: not known. */
  readonly timeZone: string | null;
}

export interface TenantRecord extends TenantSettings {
  readonly tenant: Tenant;
  /** Display name. */
  readonly name: string;
  /** Milliseconds since the epoch. */
  readonly createdAt: number;
  /** Milliseconds since the epoch. */
  readonly updatedAt: number;
  /** Starts at 1; each change adds 1. */
  readonly version: number;
}
export type NewTenant = Pick<TenantRecord, 'tenant' | 'name'> & TenantSettings;

export interface User {
  readonly userId: string;
  /** The name for the login. Unique in the tenant regardless of case; stored in lower case. */
  readonly username: string;
  /** Display name. */
  readonly name: string;
  readonly role: Role;
  /** See shared/identity/passwords.ts. */
  readonly passwordHash: string;
  readonly disabled: boolean;
  /** Id of the key with which this user ends; null: none. See: [Note: Nothing outlives the key that made it] */
  readonly endsWith: string | null;
  /** Milliseconds since the epoch, like all times below. */
  readonly createdAt: number;
  readonly updatedAt: number;
  /** Starts at 1; each change adds 1. */
  readonly version: number;
}
/** `endsWith`: default null. */
export type NewUser = Omit<User, 'createdAt' | 'updatedAt' | 'version' | 'endsWith'> & Partial<Pick<User, 'endsWith'>>;
export type UserChanges = Partial<Pick<User, 'name' | 'role' | 'passwordHash' | 'disabled' | 'endsWith'>>;

/** An API key of a service. Only a digest of its secret is stored. */
export interface ApiKey {
  readonly keyId: string;
  readonly name: string;
  readonly scopes: readonly Scope[];
  /** SHA-256 of the secret, hex. */
  readonly secretDigest: string;
  /** The creator, `user:…` or `key:…`; null: the platform itself. */
  readonly createdBy: string | null;
  /** Id of the key with which this key ends; null: none. See: [Note: Nothing outlives the key that made it] */
  readonly endsWith: string | null;
  readonly createdAt: number;
  /** null: the key does not expire. */
  readonly expiresAt: number | null;
  /** null: the key is not revoked. */
  readonly revokedAt: number | null;
}
/** `endsWith`: default null. */
export type NewApiKey = Omit<ApiKey, 'createdAt' | 'revokedAt' | 'endsWith'> & Partial<Pick<ApiKey, 'endsWith'>>;

/** One login of a user. Its refresh token changes with every use. */
export interface Session {
  readonly sessionId: string;
  readonly userId: string;
  /** SHA-256 of the current refresh token, hex. */
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

/** A key that signs tokens and receipts. The private part is encrypted at rest. */
export interface SigningKey {
  readonly keyId: string;
  readonly algorithm: 'EdDSA';
  /** JWK with the private part, as JSON. */
  readonly privateJwk: string;
  /** Public JWK, as JSON. */
  readonly publicJwk: string;
  readonly createdAt: number;
}

/**
 * Tenants, users, service keys, sessions and signing keys. A resolved write is visible to every later read and survives a crash.
 * Errors (AppError): TENANT_EXISTS, TENANT_NOT_FOUND, USER_EXISTS, USER_NOT_FOUND, VERSION_CONFLICT, PAGE_TOKEN_INVALID,
 * STORE_UNAVAILABLE.
 */
export interface Accounts {
  /**
   * With `firstKey`, the tenant and the key are created together or not at all. Errors: TENANT_EXISTS; of concurrent
   * calls exactly one succeeds.
   */
  createTenant(
    tenant: NewTenant,
    options?: CallOptions & { readonly firstKey?: NewApiKey | undefined },
  ): Promise<TenantRecord>;
  /** null when the tenant does not exist. */
  getTenant(tenant: Tenant, options?: CallOptions): Promise<TenantRecord | null>;
  /** Oldest first. */
  listTenants(options: PageOptions): Promise<Page<TenantRecord>>;
  /**
   * Changes the given fields only. Errors: TENANT_NOT_FOUND, VERSION_CONFLICT when `version` is given and is not the
   * stored version.
   */
  updateTenant(
    tenant: Tenant,
    changes: Partial<Pick<TenantRecord, 'name'> & TenantSettings>,
    options?: CallOptions & { version?: number | undefined },
  ): Promise<TenantRecord>;

  /** Errors: TENANT_NOT_FOUND, USER_EXISTS; of concurrent calls with one username exactly one succeeds. */
  createUser(tenant: Tenant, user: NewUser, options?: CallOptions): Promise<User>;
  /** null when the user does not exist. */
  getUser(tenant: Tenant, userId: string, options?: CallOptions): Promise<User | null>;
  /** Finds a user by username, regardless of case. */
  getUserByName(tenant: Tenant, username: string, options?: CallOptions): Promise<User | null>;
  /** Oldest first. */
  listUsers(tenant: Tenant, options: PageOptions): Promise<Page<User>>;
  /**
   * Changes the given fields only. A new password, a new role or `disabled: true` also ends all sessions of the user except
   * `keepSession`. Errors: USER_NOT_FOUND, VERSION_CONFLICT when `version` is given and is not the stored version.
   */
  updateUser(
    tenant: Tenant,
    userId: string,
    changes: UserChanges,
    options?: CallOptions & { version?: number | undefined; keepSession?: string | undefined },
  ): Promise<User>;
  /** Deletes the user with all sessions. Resolves to whether the user existed. */
  deleteUser(tenant: Tenant, userId: string, options?: CallOptions): Promise<boolean>;

  /** Errors: TENANT_NOT_FOUND. */
  createApiKey(tenant: Tenant, key: NewApiKey, options?: CallOptions): Promise<ApiKey>;
  /** Also returns a revoked or expired key. null when the key does not exist. */
  getApiKey(tenant: Tenant, keyId: string, options?: CallOptions): Promise<ApiKey | null>;
  /** Oldest first, including revoked keys. */
  listApiKeys(tenant: Tenant, options: PageOptions): Promise<Page<ApiKey>>;
  /** Revokes a key for good. A second call changes nothing. Resolves to the stored key; null when it does not exist. */
  revokeApiKey(tenant: Tenant, keyId: string, options?: CallOptions): Promise<ApiKey | null>;

  /** Also deletes expired sessions. Errors: USER_NOT_FOUND. */
  createSession(tenant: Tenant, session: Omit<Session, 'createdAt'>, options?: CallOptions): Promise<void>;
  /** The session and its user; null when the session does not exist, has ended or has expired. */
  getSession(
    tenant: Tenant,
    sessionId: string,
    options?: CallOptions,
  ): Promise<{ readonly session: Session; readonly user: User } | null>;
  /**
   * Replaces the refresh token `from` with `to`. Of concurrent calls with the current token exactly one is `rotated`. `reused`: `from`
   * is not the current token. Then two clients have the token and one of them stole it, so the session ends. `gone`: the session does
   * not exist, has ended or has expired.
   */
  rotateSession(
    tenant: Tenant,
    sessionId: string,
    digests: { readonly from: string; readonly to: string; readonly expiresAt: number },
    options?: CallOptions,
  ): Promise<'rotated' | 'reused' | 'gone'>;
  /** Resolves to whether the session existed and had not expired. */
  endSession(tenant: Tenant, sessionId: string, options?: CallOptions): Promise<boolean>;

  /** Newest first. Not empty after the first `addSigningKey`. */
  signingKeys(options?: CallOptions): Promise<SigningKey[]>;
  /**
   * Adds a key unless a key exists that was created after `unlessNewerThan` (milliseconds since the epoch). So when several processes
   * rotate at once, only one key is added. Resolves to whether it was added.
   */
  addSigningKey(
    key: Omit<SigningKey, 'createdAt'>,
    options: CallOptions & { readonly unlessNewerThan: number },
  ): Promise<boolean>;
  close(): Promise<void>;
}
