import type { Accounts } from '../../ports/accounts.ts';
import type { CallOptions } from '../../ports/tenant.ts';
import * as keys from './accounts-keys.ts';
import * as sessions from './accounts-sessions.ts';
import * as tenants from './accounts-tenants.ts';
import * as users from './accounts-users.ts';
import { createGroupCommit } from './group-commit.ts';
import { openStoreDatabase, pageTokensOf, type StoreDatabase } from './store-database.ts';
import type { StoreOptions } from './store-options.ts';

/**
 * Tenants, users, keys and sessions in `accounts.db`. The whole file is encrypted with `accounts.key`, because it contains private
 * signing keys. Writes of the same moment share one transaction. The transaction runs in one turn of the event loop, so no reader
 * sees a part of it.
 * See: [Note: Group commit]
 */
export async function openAccounts(options: StoreOptions): Promise<Accounts> {
  return await openStoreDatabase(options, 'accounts', (opened) => accountsOn(opened, () => options.clock.now()));
}

function accountsOn({ database, close }: StoreDatabase, now: () => number): Accounts {
  const tokens = pageTokensOf(database);
  const commits = createGroupCommit(database);
  let closing: Promise<void> | undefined;

  const write = <T>(options: CallOptions | undefined, body: () => T): Promise<T> =>
    commits.run(body, { signal: options?.signal });
  /** Async, so that an error of `body` becomes a rejection. */
  const read = async <T>(options: CallOptions | undefined, body: () => T): Promise<T> => {
    options?.signal?.throwIfAborted();
    return body();
  };

  return {
    createTenant: (tenant, options) =>
      write(options, () => {
        const at = now();
        const created = tenants.create(database, tenant, at);
        if (options?.firstKey !== undefined) keys.create(database, tenant.tenant, options.firstKey, at);
        return created;
      }),
    getTenant: (tenant, options) => read(options, () => tenants.get(database, tenant)),
    listTenants: (options) => read(options, () => tenants.list(database, tokens, options)),
    updateTenant: (tenant, changes, options) =>
      write(options, () => tenants.update(database, tenant, changes, options?.version, now())),

    createUser: (tenant, user, options) => write(options, () => users.create(database, tenant, user, now())),
    getUser: (tenant, userId, options) => read(options, () => users.get(database, tenant, userId)),
    getUserByName: (tenant, username, options) => read(options, () => users.getByName(database, tenant, username)),
    listUsers: (tenant, options) => read(options, () => users.list(database, tokens, tenant, options)),
    updateUser: (tenant, userId, changes, options) =>
      write(options, () => users.update(database, tenant, userId, changes, options ?? {}, now())),
    deleteUser: (tenant, userId, options) => write(options, () => users.remove(database, tenant, userId)),

    createApiKey: (tenant, key, options) => write(options, () => keys.create(database, tenant, key, now())),
    getApiKey: (tenant, keyId, options) => read(options, () => keys.get(database, tenant, keyId)),
    listApiKeys: (tenant, options) => read(options, () => keys.list(database, tokens, tenant, options)),
    revokeApiKey: (tenant, keyId, options) => write(options, () => keys.revoke(database, tenant, keyId, now())),

    createSession: (tenant, session, options) =>
      write(options, () => sessions.create(database, tenant, session, now())),
    getSession: (tenant, sessionId, options) =>
      read(options, () => sessions.getWithUser(database, tenant, sessionId, now())),
    rotateSession: (tenant, sessionId, digests, options) =>
      write(options, () => sessions.rotate(database, tenant, sessionId, digests, now())),
    endSession: (tenant, sessionId, options) => write(options, () => sessions.end(database, tenant, sessionId, now())),

    signingKeys: (options) => read(options, () => keys.signingKeys(database)),
    addSigningKey: (key, options) =>
      write(options, () => keys.addSigningKey(database, key, options.unlessNewerThan, now())),
    close() {
      closing ??= commits.drained().then(close);
      return closing;
    },
  };
}
