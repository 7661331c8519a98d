import type { Accounts } from '../../ports/accounts.ts';
import * as keys from './accounts-keys.ts';
import * as tenants from './accounts-tenants.ts';
import * as users from './accounts-users.ts';
import { openScyllaStore, type ScyllaStoreOptions } from './scylla/store.ts';

/**
 * Tenants, users, keys and sessions in ScyllaDB. See: [Note: One row decides]
 *
 * [Note: Secrets in ScyllaDB]
 * Private signing keys and the secrets of webhooks are stored in plain text. So a person who can read the cluster's files, or log in to
 * it with this platform's user, can read them. The cluster must encrypt its files, and only this platform may use its user.
 */
export async function openAccounts(options: ScyllaStoreOptions): Promise<Accounts> {
  const store = openScyllaStore('accounts', options);
  const { read, write } = store;
  return {
    createTenant: (tenant, call) => write(call, () => tenants.create(store, tenant, call?.firstKey, call)),
    getTenant: (tenant, call) => read(call, () => tenants.get(store, tenant)),
    listTenants: (call) => read(call, () => tenants.list(store, call)),
    updateTenant: (tenant, changes, call) => write(call, () => tenants.update(store, tenant, changes, call)),

    createUser: (tenant, user, call) => write(call, () => users.create(store, tenant, user, call)),
    getUser: (tenant, id, call) => read(call, () => users.get(store, tenant, id)),
    getUserByName: (tenant, name, call) => read(call, () => users.getByName(store, tenant, name)),
    listUsers: (tenant, call) => read(call, () => users.list(store, tenant, call)),
    updateUser: (tenant, id, changes, call) => write(call, () => users.update(store, tenant, id, changes, call)),
    deleteUser: (tenant, id, call) => write(call, () => users.remove(store, tenant, id, call)),

    createApiKey: (tenant, key, call) => write(call, () => keys.create(store, tenant, key, call)),
    getApiKey: (tenant, id, call) => read(call, () => keys.get(store, tenant, id)),
    listApiKeys: (tenant, call) => read(call, () => keys.list(store, tenant, call)),
    revokeApiKey: (tenant, id, call) => write(call, () => keys.revoke(store, tenant, id, call)),

    createSession: (tenant, session, call) => write(call, () => users.createSession(store, tenant, session, call)),
    getSession: (tenant, id, call) => read(call, () => users.getSession(store, tenant, id)),
    rotateSession: (tenant, id, digests, call) =>
      write(call, () => users.rotateSession(store, tenant, id, digests, call)),
    endSession: (tenant, id, call) => write(call, () => users.endSession(store, tenant, id, call)),

    signingKeys: (call) => read(call, () => keys.signingKeys(store)),
    addSigningKey: (key, call) => write(call, () => keys.addSigningKey(store, key, call)),
    close: () => store.close(),
  };
}
