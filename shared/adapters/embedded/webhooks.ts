import type { CallOptions } from '../../ports/tenant.ts';
import type { Webhooks } from '../../ports/webhooks.ts';
import { createGroupCommit } from './group-commit.ts';
import { openStoreDatabase, pageTokensOf, type StoreDatabase } from './store-database.ts';
import type { StoreOptions } from './store-options.ts';
import * as endpoints from './webhooks-endpoints.ts';
import * as messages from './webhooks-messages.ts';
import * as queues from './webhooks-queues.ts';

/** Webhooks in `webhooks.db`. The whole file is encrypted with `webhooks.key`, because it contains secrets. See: [Note: Group commit] */
export async function openWebhooks(options: StoreOptions): Promise<Webhooks> {
  return await openStoreDatabase(options, 'webhooks', (opened) => webhooksOn(opened, () => options.clock.now()));
}

function webhooksOn({ database, close }: StoreDatabase, now: () => number): Webhooks {
  const tokens = pageTokensOf(database);
  const commits = createGroupCommit(database);
  let closing: Promise<void> | undefined;

  const write = <T>(options: CallOptions | undefined, body: (at: number) => T): Promise<T> =>
    commits.run(() => body(now()), { signal: options?.signal });
  /** Async, so that an error of `body` becomes a rejection. */
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
      closing ??= commits.drained().then(close);
      return closing;
    },
  };
}
