import type { Principal } from '../domain/access.ts';
import { AppError } from '../errors.ts';
import type { Accounts, ApiKey } from '../ports/accounts.ts';
import type { CallOptions, Tenant } from '../ports/tenant.ts';

/** Longest chain of keys, each created with the one before. */
const longestChain = 16;

/** How long a user or a key lasts because of the keys that it depends on. */
export interface Life {
  /** One of these keys is revoked or expired. */
  readonly ended: boolean;
  /** Earliest expiry of these keys, in milliseconds since the epoch; null: none of them expires. */
  readonly expiresAt: number | null;
}

const unlimited: Life = { ended: false, expiresAt: null };

/**
 * Returns how long something lasts that ends with the key `keyId`. null: it depends on no key.
 *
 * [Note: Nothing outlives the key that made it]
 * A key with `users:manage` can create keys and users. If they stayed after that key is revoked or has expired, a stolen key would last for
 * ever. So a key ends with the key that created it. A user that an expiring key created ends with this key until an owner confirms the
 * user. Keys and users that such a user creates end with the same key. The stored key id is enough for the check, because keys are
 * never deleted. The check is part of each request, so it takes effect at once. An id without a key means a key of another tenant (the
 * first key of a tenant), on which nothing depends.
 */
export async function lifeWith(
  keyId: string | null,
  tenant: Tenant,
  { accounts, now, signal }: CallOptions & { readonly accounts: Accounts; readonly now: number },
): Promise<Life & { readonly length: number }> {
  let { ended, expiresAt } = unlimited;
  let length = 0;
  for (let next = keyId; next !== null && length < longestChain; length++) {
    const key = await accounts.getApiKey(tenant, next, { signal });
    if (key === null) break;
    ended ||= key.revokedAt !== null || (key.expiresAt !== null && key.expiresAt <= now);
    if (key.expiresAt !== null) expiresAt = Math.min(expiresAt ?? key.expiresAt, key.expiresAt);
    next = parentOf(key);
  }
  return { ended, expiresAt, length };
}

/** Id of the key with which `key` ends; null: none. Keys of an earlier version have only their creator. */
export const parentOf = ({ endsWith, createdBy }: Pick<ApiKey, 'endsWith' | 'createdBy'>): string | null =>
  endsWith ?? (createdBy?.startsWith('key:') === true ? createdBy.slice('key:'.length) : null);

/**
 * Id of the key with which everything ends that the caller creates, and the life of that key. Errors: FORBIDDEN when the chain of keys is
 * too long, UNAUTHENTICATED when the caller has ended.
 */
export async function lineageOf(
  { kind, id }: Principal,
  tenant: Tenant,
  deps: CallOptions & { readonly accounts: Accounts; readonly now: number },
): Promise<Life & { readonly keyId: string | null }> {
  const user = kind === 'user' ? await deps.accounts.getUser(tenant, id, { signal: deps.signal }) : null;
  const keyId = kind === 'key' ? id : (user?.endsWith ?? null);
  const { length, ...life } = await lifeWith(keyId, tenant, deps);
  if (life.ended) throw new AppError('UNAUTHENTICATED', { message: 'The key that you depend on has ended.' });
  if (length >= longestChain)
    throw new AppError('FORBIDDEN', {
      message: `Your key is at the end of a chain of ${longestChain} keys; use a key that was created earlier.`,
    });
  return { ...life, keyId };
}
