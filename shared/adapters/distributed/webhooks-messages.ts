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
import { microseconds } from './scylla/documents.ts';
import { countOf, drop, type Entry, pageOf, platform, put, type StoredEntry, walk } from './scylla/lists.ts';
import type { ListTable } from './scylla/statements.ts';
import type { ScyllaStore } from './scylla/store.ts';
import * as endpoints from './webhooks-endpoints.ts';

/**
 * A message as it is stored. `order`: its place among those of one moment. `era`: its webhook's.
 *
 * [Note: Pointers first]
 * A message stands in five lists (`placesOf`). Those that it will stand in are written before its row decides, those that it has left
 * are removed after; readers take an entry only where the row says the same. So a change costs one condition, and a crash
 * leaves entries that say nothing, which whoever meets them removes once they are older than any call. Nothing has to be finished.
 */
interface StoredMessage extends LoggedMessage {
  readonly order: string;
  readonly era: string;
}

/** An entry that its message does not know of is nobody's after so long: no call takes that long. */
export const leftMs = 600_000;
/** Messages that one call clears away. */
const clearing = 2000;
const clearedAtOnce = 16;

/** Nothing when it is there already. `order`: from `v7`. */
export async function add(
  store: ScyllaStore,
  tenant: string,
  message: NewMessage & { readonly order: string },
  webhook: endpoints.StoredWebhook,
  options: CallOptions | undefined,
): Promise<void> {
  const there = await read(store, tenant, message.messageId);
  if (there?.era === webhook.era) return;
  await become(store, tenant, message.messageId, options, (current) =>
    current?.era === webhook.era ? undefined : fresh(message, webhook.era, store.now()),
  );
}

/** A message whose one attempt is made. Errors: WEBHOOK_NOT_FOUND. */
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
  const { after } = await become(store, tenant, message.messageId, options, (current) =>
    settled(current?.era === era ? current : fresh({ ...message, order }, era, store.now()), attempt, verdict),
  );
  return toLogged(after!);
}

export async function get(store: ScyllaStore, tenant: string, messageId: string): Promise<LoggedMessage | null> {
  const message = await read(store, tenant, messageId);
  return message === null || !isOfOne(message, await endpoints.all(store, tenant)) ? null : toLogged(message);
}

/** What of a queue comes first, due or not; `from`: nothing stands before. */
export async function first(
  store: ScyllaStore,
  tenant: string,
  queue: string,
  from: number | undefined,
): Promise<{ message: WebhookMessage & { dueAt: number }; webhook: endpoints.StoredWebhook } | null> {
  // Meanwhile: this is read for every message that is sent.
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
    await dropLeft(store, 'messages_due', tenant, entry, queue);
  }
  return null;
}

/** Newest first. Errors: WEBHOOK_NOT_FOUND. */
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

/** Nothing when the message is gone. */
export const settle = (
  store: ScyllaStore,
  tenant: string,
  messageId: string,
  attempt: Omit<Attempt, 'number'> | null,
  verdict: Verdict,
  options: CallOptions | undefined,
) =>
  become(store, tenant, messageId, options, (current) =>
    current === null ? undefined : settled(current, attempt, verdict),
  );

/** Errors: DELIVERY_NOT_FOUND. */
export async function restart(
  store: ScyllaStore,
  tenant: string,
  webhookId: string,
  messageId: string,
  options: CallOptions | undefined,
): Promise<LoggedMessage> {
  const webhooks = await endpoints.all(store, tenant);
  const { after } = await become(store, tenant, messageId, options, (current) => {
    if (current?.webhookId !== webhookId || !isOfOne(current, webhooks)) throw new AppError('DELIVERY_NOT_FOUND');
    const at = store.now();
    return { ...current, status: 'pending', scheduledAt: at, dueAt: at, tries: 0 };
  });
  return toLogged(after!);
}

/** All of a webhook that is no more. */
export async function removeOf(
  store: ScyllaStore,
  tenant: string,
  { webhookId, era }: endpoints.StoredWebhook,
): Promise<void> {
  const wanted = { order: 'up', step: 500 } as const;
  for await (const some of inBatches(walk(store.scylla, 'messages_by_webhook', tenant, wanted, webhookId))) {
    await eachOf(some, clearedAtOnce, ({ data }) =>
      become(store, tenant, data, undefined, (current) => (current?.era === era ? null : undefined)),
    );
  }
}

/** At most so many that what is left waits for the next call. */
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

/** Of all tenants. */
export async function pending(store: ScyllaStore): Promise<{ messages: number; oldestAt: number | null }> {
  const { count } = await countOf(store.scylla, 'messages_waiting', platform);
  for await (const { id, at } of walk(store.scylla, 'messages_waiting', platform, { order: 'up', step: 10 })) {
    const message = await read(store, ...(JSON.parse(id) as [string, string]));
    if (message?.status === 'pending' && message.scheduledAt === at) return { messages: count, oldestAt: at };
  }
  return { messages: 0, oldestAt: null };
}

/** Removes an entry that nothing belongs to, once it is old enough. */
export async function dropLeft(
  { scylla, now }: ScyllaStore,
  table: ListTable,
  tenant: string,
  entry: Entry,
  scope?: string,
): Promise<void> {
  if (entry.at <= now() - leftMs) await scylla.write(drop(table, tenant, entry, scope), microseconds());
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
      const change = await become(store, tenant, messageId, undefined, (current) =>
        current === null ? undefined : turnInto(current, entry.at),
      );
      const stands = change.after !== null && placesOf(tenant, change.after).some(isEntry(table, entry));
      if (!stands) await dropLeft(store, table, platform, entry);
      return change.changed;
    });
    cleared += changed.filter(Boolean).length;
    if (cleared >= clearing) break;
  }
  return cleared;
}

const read = ({ documents }: ScyllaStore, tenant: string, messageId: string): Promise<StoredMessage | null> =>
  documents.get<StoredMessage>('messages', tenant, messageId);

interface Change {
  readonly after: StoredMessage | null;
  readonly changed: boolean;
}

/** The one way in which a message changes. `next`: null: it is removed; undefined: nothing happens. See: [Note: Pointers first] */
async function become(
  { scylla, documents }: ScyllaStore,
  tenant: string,
  messageId: string,
  options: CallOptions | undefined,
  next: (current: StoredMessage | null) => StoredMessage | null | undefined,
): Promise<Change> {
  const left: Place[] = [];
  // Older than whatever is written because of this change, so that what removes the old entries removes no new ones.
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

interface Place {
  readonly table: ListTable;
  readonly tenant: string;
  readonly entry: StoredEntry;
  readonly scope: string | undefined;
}

/** The log of its webhook, and what is cleared away; while it waits, also its queue and what is looked through for what is due. */
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

const isOfOne = (message: StoredMessage, webhooks: readonly endpoints.StoredWebhook[]): boolean =>
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
