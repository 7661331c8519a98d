import { v7 } from 'uuid';
import { eachOf } from '../../domain/each-of.ts';
import type { Webhooks } from '../../ports/webhooks.ts';
import { openScyllaStore, type ScyllaStore, type ScyllaStoreOptions } from './scylla/store.ts';
import * as endpoints from './webhooks-endpoints.ts';
import * as messages from './webhooks-messages.ts';
import * as queues from './webhooks-queues.ts';

/** Messages of one call that are added in parallel. */
const addedAtOnce = 16;

/** Webhooks in ScyllaDB. See: [Note: Lists before the row], [Note: Queues are checked when due], [Note: Secrets in ScyllaDB] */
export async function openWebhooks(options: ScyllaStoreOptions): Promise<Webhooks> {
  return webhooksOn(openScyllaStore('webhooks', options));
}

/** Exported for tests of crashes. */
export function webhooksOn(store: ScyllaStore): Webhooks {
  const { read, write } = store;
  return {
    createWebhook: (tenant, webhook, call) => write(call, () => endpoints.create(store, tenant, webhook, call)),
    getWebhook: (tenant, id, call) => read(call, () => endpoints.get(store, tenant, id)),
    listWebhooks: (tenant, call) => read(call, () => endpoints.list(store, tenant, call)),
    webhooksFor: (tenant, type, call) => read(call, () => endpoints.askingFor(store, tenant, type)),
    updateWebhook: (tenant, id, changes, call) => write(call, () => endpoints.update(store, tenant, id, changes, call)),
    rotateSecret: (tenant, id, secret, call) => write(call, () => endpoints.rotate(store, tenant, id, secret, call)),
    deleteWebhook: (tenant, id, call) =>
      write(call, async () => {
        const removed = await endpoints.remove(store, tenant, id, call);
        if (removed !== null) await messages.removeOf(store, tenant, removed);
        return removed !== null;
      }),

    addMessages: (tenant, given, call) =>
      write(call, async () => {
        const webhooks = await endpoints.all(store, tenant);
        const known = given.flatMap((message) => {
          const webhook = webhooks.find(({ webhookId }) => webhookId === message.webhookId);
          return webhook === undefined ? [] : [{ webhook, message: { ...message, order: v7() } }];
        });
        await eachOf(known, addedAtOnce, ({ message, webhook }) => messages.add(store, tenant, message, webhook, call));
        const touched = [...new Set(known.map(({ message }) => message.queue))];
        const called = await eachOf(touched, addedAtOnce, (queue) => queues.call(store, { tenant, queue }, call));
        return touched.filter((_, index) => called[index]);
      }),
    addTried: (tenant, message, attempt, verdict, call) =>
      write(call, () => messages.addTried(store, tenant, message, attempt, verdict, call)),
    getMessage: (tenant, id, call) => read(call, () => messages.get(store, tenant, id)),
    listMessages: (tenant, id, call) => read(call, () => messages.list(store, tenant, id, call)),
    redeliver: (tenant, id, messageId, call) =>
      write(call, async () => {
        const message = await messages.restart(store, tenant, id, messageId, call);
        return { message, call: await queues.call(store, { tenant, queue: message.queue }, call) };
      }),

    beginTurn: (queue, turn, call) => write(call, () => queues.begin(store, queue, turn, call)),
    nextMessage: (queue, turn, call) =>
      write(call, async () => {
        const next = await queues.next(store, queue, turn, call);
        return next === null ? null : { message: next.message, webhook: endpoints.toWebhook(next.webhook) };
      }),
    settle: (tenant, id, attempt, verdict, call) =>
      write(call, async () => void (await messages.settle(store, tenant, id, attempt, verdict, call))),
    endTurn: (queue, turn, call) =>
      write(call, () => queues.end(store, queue, turn, { ...call, restUntil: call.restUntil ?? 0 })),
    callDue: (call) => write(call, () => queues.callDue(store, call)),
    clearAway: (call) => write(call, () => messages.clear(store, call)),
    pending: (call) => read(call, () => messages.pending(store)),
    close: () => store.close(),
  };
}
