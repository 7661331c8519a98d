import { isDeepStrictEqual } from 'node:util';
import { v7 } from 'uuid';
import { eachOf } from '../../domain/each-of.ts';
import { AppError } from '../../errors.ts';
import type { Page, PageOptions } from '../../ports/pages.ts';
import type { CallOptions } from '../../ports/tenant.ts';
import type {
  Attempt,
  LoggedMessage,
  MessageStatus,
  NewMessage,
  Verdict,
  WebhookMessage,
} from '../../ports/webhooks.ts';
import { atOnce } from './records-images.ts';
import type { Bound } from './scylla/client.ts';
import { countOf, drop, type Entry, pageOf, platform, put, type StoredEntry, walk } from './scylla/lists.ts';
import type { ListTable } from './scylla/statements.ts';
import type { ScyllaStore } from './scylla/store.ts';
import { microseconds } from './scylla/write-time.ts';
import * as endpoints from './webhooks-endpoints.ts';

/**
 * A message as it is stored. `order`: position among messages of the same time. `era`: the era of its webhook.
 *
 * [Note: Lists before the row]
 * A message has entries in up to five lists (`placesOf`). New entries are written before the message's row, which decides; old entries are
 * deleted after it. Readers use an entry only if the row agrees with it. So a change needs only one conditional write. A crash can
 * leave entries without an effect. A reader deletes such an entry once it is older than the longest call. No other repair is needed.
 */
interface StoredMessage extends LoggedMessage {
  readonly order: string;
  readonly era: string;
}

/** Age in milliseconds from which an entry that disagrees with its message is deleted. No call takes this long. */
export const strayMs = 600_000;
/** Messages that one call of `clear` handles. */
const clearedPerCall = 2000;
/** Messages that are cleared in parallel. */
const clearedAtOnce = 16;

/** Adds a message unless it exists. `order`: from `v7`. */
export async function add(
  store: ScyllaStore,
  tenant: string,
  message: NewMessage & { readonly order: string },
  webhook: endpoints.StoredWebhook,
  options: CallOptions | undefined,
): Promise<void> {
  const existing = await read(store, tenant, message.messageId);
  if (existing?.era === webhook.era) return;
  await changeMessage(store, tenant, message.messageId, options, (current) =>
    current?.era === webhook.era ? undefined : fresh(message, webhook.era, store.now()),
  );
}

/** Adds a message together with the result of its only attempt. Errors: WEBHOOK_NOT_FOUND. */
export async function addTried(
  store: ScyllaStore,
  tenant: string,
  message: NewMessage,
  attempt: Omit<Attempt, 'number'>,
  verdict: Verdict,
  options: CallOptions | undefined,
): Promise<LoggedMessage> {
  const { era } = await endpoints.require(store, tenant, message.webhookId);
  const order = v7();
  const { after } = await changeMessage(store, tenant, message.messageId, options, (current) =>
    settled(current?.era === era ? current : fresh({ ...message, order }, era, store.now()), attempt, verdict),
  );
  return toLogged(after!);
}

export async function get(store: ScyllaStore, tenant: string, messageId: string): Promise<LoggedMessage | null> {
  const message = await read(store, tenant, messageId);
  return message === null || !hasWebhook(message, await endpoints.all(store, tenant)) ? null : toLogged(message);
}

/** The first pending message of a queue, due or not; null when the queue is empty. `from`: the queue has no entry before this time. */
export async function first(
  store: ScyllaStore,
  tenant: string,
  queue: string,
  from: number | undefined,
): Promise<{ message: WebhookMessage & { dueAt: number }; webhook: endpoints.StoredWebhook } | null> {
  // Read the webhooks in parallel, because this function runs for every message that is sent.
  const webhooks = endpoints.all(store, tenant);
  webhooks.catch(() => undefined);
  const wanted = { order: 'up', from, step: 10 } as const;
  for await (const entry of walk(store.scylla, 'messages_due', tenant, wanted, queue)) {
    const message = await read(store, tenant, entry.data);
    const webhook = (await webhooks).find(({ era }) => era === message?.era);
    if (message?.dueAt === entry.at && message.order === entry.id && webhook !== undefined) {
      const { attempts: _, ...rest } = toLogged(message);
      return { message: { ...rest, dueAt: message.dueAt }, webhook };
    }
    await dropStray(store, 'messages_due', tenant, entry, queue);
  }
  return null;
}

/** Messages of a webhook, newest first. Errors: WEBHOOK_NOT_FOUND. */
export async function list(
  store: ScyllaStore,
  tenant: string,
  webhookId: string,
  { status, ...options }: PageOptions & { readonly status?: MessageStatus | undefined },
): Promise<Page<LoggedMessage>> {
  const { era } = await endpoints.require(store, tenant, webhookId);
  const listing = JSON.stringify(['messages', tenant, webhookId, status ?? null]);
  return await pageOf(store.scylla, await store.tokens(), listing, 'messages_by_webhook', tenant, {
    ...options,
    scope: webhookId,
    order: 'down',
    load: (entries) =>
      eachOf(entries, atOnce, async ({ id, data }) => {
        const message = await read(store, tenant, data);
        const isWanted = message?.order === id && message.era === era;
        return isWanted && (status === undefined || message.status === status) ? toLogged(message) : null;
      }),
  });
}

/** Stores the result of an attempt. Does nothing when the message does not exist. */
export const settle = (
  store: ScyllaStore,
  tenant: string,
  messageId: string,
  attempt: Omit<Attempt, 'number'> | null,
  verdict: Verdict,
  options: CallOptions | undefined,
) =>
  changeMessage(store, tenant, messageId, options, (current) =>
    current === null ? undefined : settled(current, attempt, verdict),
  );

/** Makes a message due now, with no tries. Errors: DELIVERY_NOT_FOUND. */
export async function restart(
  store: ScyllaStore,
  tenant: string,
  webhookId: string,
  messageId: string,
  options: CallOptions | undefined,
): Promise<LoggedMessage> {
  const webhooks = await endpoints.all(store, tenant);
  const { after } = await changeMessage(store, tenant, messageId, options, (current) => {
    if (current?.webhookId !== webhookId || !hasWebhook(current, webhooks)) throw new AppError('DELIVERY_NOT_FOUND');
    const at = store.now();
    return { ...current, status: 'pending', scheduledAt: at, dueAt: at, tries: 0 };
  });
  return toLogged(after!);
}

/** Deletes all messages of a deleted webhook. */
export async function removeOf(
  store: ScyllaStore,
  tenant: string,
  { webhookId, era }: endpoints.StoredWebhook,
): Promise<void> {
  const wanted = { order: 'up', step: 500 } as const;
  for await (const some of inBatches(walk(store.scylla, 'messages_by_webhook', tenant, wanted, webhookId))) {
    await eachOf(some, clearedAtOnce, ({ data }) =>
      changeMessage(store, tenant, data, undefined, (current) => (current?.era === era ? null : undefined)),
    );
  }
}

/** Gives up late messages and deletes old ones. Handles a limited number; the next call handles the rest. */
export async function clear(
  store: ScyllaStore,
  { giveUpBefore, removeBefore }: { readonly giveUpBefore: number; readonly removeBefore: number },
): Promise<{ givenUp: number; removed: number }> {
  const givenUp = await clearList(store, 'messages_waiting', giveUpBefore, (current, at) => {
    const isLate = current.status === 'pending' && current.scheduledAt === at;
    return isLate ? settled(current, null, { status: 'dead' }) : undefined;
  });
  const removed = await clearList(store, 'messages_of_all', removeBefore, (current) =>
    current.status === 'pending' ? undefined : null,
  );
  return { givenUp, removed };
}

/** Number of pending messages of all tenants, and the time of the oldest. */
export async function pending(store: ScyllaStore): Promise<{ messages: number; oldestAt: number | null }> {
  const { count } = await countOf(store.scylla, 'messages_waiting', platform);
  for await (const { id, at } of walk(store.scylla, 'messages_waiting', platform, { order: 'up', step: 10 })) {
    const message = await read(store, ...(JSON.parse(id) as [string, string]));
    if (message?.status === 'pending' && message.scheduledAt === at) return { messages: count, oldestAt: at };
  }
  return { messages: 0, oldestAt: null };
}

/** Deletes an entry without a message once it is older than `strayMs`. */
export async function dropStray(
  { scylla, now }: ScyllaStore,
  table: ListTable,
  tenant: string,
  entry: Entry,
  scope?: string,
): Promise<void> {
  if (entry.at <= now() - strayMs) await scylla.write(drop(table, tenant, entry, scope), microseconds());
}

async function clearList(
  store: ScyllaStore,
  table: ListTable,
  before: number,
  turnInto: (current: StoredMessage, at: number) => StoredMessage | null | undefined,
): Promise<number> {
  let cleared = 0;
  for await (const some of inBatches(walk(store.scylla, table, platform, { order: 'up', to: before, step: 500 }))) {
    const changed = await eachOf(some, clearedAtOnce, async (entry) => {
      const [tenant, messageId] = JSON.parse(entry.id) as [string, string];
      const change = await changeMessage(store, tenant, messageId, undefined, (current) =>
        current === null ? undefined : turnInto(current, entry.at),
      );
      const isCurrent = change.after !== null && placesOf(tenant, change.after).some(isEntry(table, entry));
      if (!isCurrent) await dropStray(store, table, platform, entry);
      return change.changed;
    });
    cleared += changed.filter(Boolean).length;
    if (cleared >= clearedPerCall) break;
  }
  return cleared;
}

const read = ({ documents }: ScyllaStore, tenant: string, messageId: string): Promise<StoredMessage | null> =>
  documents.get<StoredMessage>('messages', tenant, messageId);

interface Change {
  readonly after: StoredMessage | null;
  readonly changed: boolean;
}

/**
 * Changes a message; every change uses this function. `next` returns the new message; null: delete it; undefined: no change.
 * See: [Note: Lists before the row]
 */
async function changeMessage(
  { scylla, documents }: ScyllaStore,
  tenant: string,
  messageId: string,
  options: CallOptions | undefined,
  next: (current: StoredMessage | null) => StoredMessage | null | undefined,
): Promise<Change> {
  const left: Place[] = [];
  // Older than all writes that follow from this change, so that the deletion of old entries does not delete new ones.
  let stamp = 0;
  const change = await documents.change<StoredMessage, Change>(
    'messages',
    tenant,
    messageId,
    async (current) => {
      const wanted = next(current);
      if (wanted === undefined) return { next: undefined, result: { after: current, changed: false } };
      stamp = microseconds();
      const [before, after] = [current, wanted].map((each) => (each === null ? [] : placesOf(tenant, each)));
      left.push(...before!, ...after!);
      await scylla.write(
        after!.filter((place) => !before!.some((each) => isDeepStrictEqual(each, place))).flatMap(putAt),
        stamp,
      );
      return { next: wanted, result: { after: wanted, changed: true } };
    },
    options,
  );
  const kept = change.after === null ? [] : placesOf(tenant, change.after);
  await scylla.write(
    left.filter((place) => !kept.some((each) => isDeepStrictEqual(each, place))).flatMap(dropAt),
    stamp + 1,
  );
  return change;
}

/** An entry in a list. */
interface Place {
  readonly table: ListTable;
  readonly tenant: string;
  readonly entry: StoredEntry;
  readonly scope: string | undefined;
}

/**
 * The list entries of a message: in the log of its webhook and in the list of all messages. While a message is planned, also in the
 * lists of waiting messages, of its queue and of due queues.
 */
function placesOf(
  tenant: string,
  { messageId, webhookId, queue, order, acceptedAt, scheduledAt, dueAt }: StoredMessage,
): Place[] {
  const key = JSON.stringify([tenant, messageId]);
  const place = (table: ListTable, at: number, id: string, data = '', scope?: string, owner = platform): Place => ({
    table,
    tenant: owner,
    entry: { at, id, data },
    scope,
  });
  return [
    place('messages_by_webhook', acceptedAt, order, messageId, webhookId, tenant),
    place('messages_of_all', acceptedAt, key),
    ...(dueAt === null
      ? []
      : [
          place('messages_waiting', scheduledAt, key),
          place('messages_due', dueAt, order, messageId, queue, tenant),
          place('queues_due', dueAt, JSON.stringify([tenant, queue, messageId])),
        ]),
  ];
}

const putAt = ({ table, tenant, entry, scope }: Place): Bound[] => put(table, tenant, entry, entry.data, scope);
const dropAt = ({ table, tenant, entry, scope }: Place): Bound[] => drop(table, tenant, entry, scope);
const isEntry =
  (table: ListTable, { at, id }: Entry) =>
  (place: Place): boolean =>
    place.table === table && place.entry.at === at && place.entry.id === id;

const fresh = (
  { messageId, webhookId, queue, type, url, payload, order }: NewMessage & { readonly order: string },
  era: string,
  at: number,
): StoredMessage => ({
  messageId,
  webhookId,
  queue,
  type,
  url,
  payload,
  status: 'pending',
  acceptedAt: at,
  scheduledAt: at,
  dueAt: at,
  tries: 0,
  attempts: [],
  order,
  era,
});

function settled(current: StoredMessage, attempt: Omit<Attempt, 'number'> | null, verdict: Verdict): StoredMessage {
  const tried =
    attempt === null
      ? []
      : [{ number: current.attempts.length + 1, ...attempt, durationMs: Math.round(attempt.durationMs) }];
  return {
    ...current,
    status: verdict.status,
    dueAt: verdict.status === 'pending' ? verdict.dueAt : null,
    tries: current.tries + tried.length,
    attempts: [...current.attempts, ...tried],
  };
}

const hasWebhook = (message: StoredMessage, webhooks: readonly endpoints.StoredWebhook[]): boolean =>
  webhooks.some(({ era }) => era === message.era);

const toLogged = ({ order: _, era: __, ...message }: StoredMessage): LoggedMessage => message;

async function* inBatches<Item>(items: AsyncIterable<Item>, size = 100): AsyncGenerator<Item[]> {
  let some: Item[] = [];
  for await (const item of items) {
    if (some.push(item) < size) continue;
    yield some;
    some = [];
  }
  if (some.length > 0) yield some;
}
