import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { CallOptions } from '../../ports/tenant.ts';
import type { Webhooks } from '../../ports/webhooks.ts';
import { createPageTokens } from '../page-token.ts';
import { openDataFolder } from './data-folder.ts';
import { type Database, openDatabase } from './database.ts';
import { createGroupCommit } from './group-commit.ts';
import { openKeyFile } from './key-file.ts';
import { migrate, migrations } from './migrations.ts';
import { lockStore } from './store-lock.ts';
import type { StoreOptions } from './store-options.ts';
import * as endpoints from './webhooks-endpoints.ts';
import * as messages from './webhooks-messages.ts';
import * as queues from './webhooks-queues.ts';

/** Webhooks in `webhooks.db`, encrypted as a whole with `webhooks.key`: secrets lie in it. See: [Note: Group commit] */
export async function openWebhooks({ dataDir, clock }: StoreOptions): Promise<Webhooks> {
  openDataFolder(dataDir);
  const unlock = lockStore(join(dataDir, 'webhooks.lock'));
  let database: Database | undefined;
  try {
    const path = join(dataDir, 'webhooks.db');
    const { secret } = await openKeyFile(join(dataDir, 'webhooks.key'), async () => existsSync(path));
    database = openDatabase(path, { encryptionKey: secret.toString('hex') });
    migrate(database, migrations.webhooks, clock.now());
    return webhooksOn(database, () => clock.now(), unlock);
  } catch (error) {
    database?.close();
    unlock();
    throw error;
  }
}

function webhooksOn(database: Database, now: () => number, unlock: () => void): Webhooks {
  const tokens = createPageTokens(pageTokenKey(database));
  const commits = createGroupCommit(database);
  let closing: Promise<void> | undefined;

  const write = <T>(options: CallOptions | undefined, body: (at: number) => T): Promise<T> =>
    commits.run(() => body(now()), { signal: options?.signal });
  /** An async function turns what `body` throws into a rejection. */
  const read = async <T>(options: CallOptions | undefined, body: () => T): Promise<T> => {
    options?.signal?.throwIfAborted();
    return body();
  };

  return {
    createWebhook: (tenant, webhook, options) =>
      write(options, (at) => endpoints.create(database, tenant, webhook, options.most, at)),
    getWebhook: (tenant, id, options) => read(options, () => endpoints.get(database, tenant, id)),
    listWebhooks: (tenant, options) => read(options, () => endpoints.list(database, tokens, tenant, options)),
    webhooksFor: (tenant, type, options) => read(options, () => endpoints.askingFor(database, tenant, type)),
    updateWebhook: (tenant, id, changes, options) =>
      write(options, (at) => endpoints.update(database, tenant, id, changes, options?.version, at)),
    rotateSecret: (tenant, id, secret, options) =>
      write(options, (at) => endpoints.rotate(database, tenant, id, secret, options, at)),
    deleteWebhook: (tenant, id, options) =>
      write(options, () => {
        const touched = messages.queuesOf(database, tenant, id);
        const there = endpoints.remove(database, tenant, id);
        for (const queue of touched) queues.refresh(database, tenant, queue);
        return there;
      }),

    addMessages: (tenant, given, options) =>
      write(options, (at) => {
        const known = given.filter(({ webhookId }) => endpoints.get(database, tenant, webhookId) !== null);
        const touched = new Set(known.map(({ queue }) => queue));
        for (const message of known) messages.add(database, tenant, message, at);
        for (const queue of touched) queues.refresh(database, tenant, queue);
        return [...touched].filter((queue) => queues.call(database, tenant, queue, options.quietMs, at));
      }),
    addTried: (tenant, message, attempt, verdict, options) =>
      write(options, (at) => {
        endpoints.require(database, tenant, message.webhookId);
        messages.add(database, tenant, message, at);
        messages.settle(database, tenant, message.messageId, attempt, verdict);
        return messages.get(database, tenant, message.messageId)!;
      }),
    getMessage: (tenant, messageId, options) => read(options, () => messages.get(database, tenant, messageId)),
    listMessages: (tenant, id, options) =>
      read(options, () => {
        endpoints.require(database, tenant, id);
        return messages.list(database, tokens, tenant, id, options);
      }),
    redeliver: (tenant, id, messageId, options) =>
      write(options, (at) => {
        const message = messages.restart(database, tenant, id, messageId, at);
        return { message, call: queues.call(database, tenant, message.queue, options.quietMs, at) };
      }),

    beginTurn: (queue, turn, options) => write(options, (at) => queues.begin(database, queue, turn, options, at)),
    nextMessage: (queue, turn, options) =>
      write(options, (at) => {
        if (!queues.keep(database, queue, turn, options.leaseMs, at)) return null;
        const message = messages.firstDue(database, queue.tenant, queue.queue, at);
        if (message === null) return null;
        return { message, webhook: endpoints.require(database, queue.tenant, message.webhookId) };
      }),
    settle: (tenant, messageId, attempt, verdict, options) =>
      write(options, () => messages.settle(database, tenant, messageId, attempt, verdict)),
    endTurn: (queue, turn, options) =>
      write(options, (at) =>
        queues.end(database, queue, turn, { restUntil: options.restUntil ?? 0, quietMs: options.quietMs }, at),
      ),
    callDue: (options) => write(options, (at) => queues.callAll(database, options.limit, options.quietMs, at)),
    async clearAway(options) {
      const total = { givenUp: 0, removed: 0 };
      for (;;) {
        const { givenUp, removed, more } = await write(options, () => messages.clear(database, options));
        total.givenUp += givenUp;
        total.removed += removed;
        if (!more) return total;
      }
    },
    pending: (options) => read(options, () => messages.pending(database)),
    close() {
      closing ??= commits.drained().then(() => {
        database.close();
        unlock();
      });
      return closing;
    },
  };
}

/** Made with the database, so that tokens outlive a restart. */
function pageTokenKey(database: Database): Buffer {
  database.run('INSERT INTO settings (name, value) VALUES (?, ?) ON CONFLICT DO NOTHING', [
    'page-token-key',
    randomBytes(32),
  ]);
  const row = database.get<{ value: ArrayBuffer }>('SELECT value FROM settings WHERE name = ?', ['page-token-key']);
  return Buffer.from(row!.value);
}
