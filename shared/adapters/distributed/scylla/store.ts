import { randomBytes } from 'node:crypto';
import { v7 } from 'uuid';
import type { AdapterOptions } from '../../../function/adapter-options.ts';
import type { Clock } from '../../../ports/clock.ts';
import type { OutboxEntry, WriteOptions } from '../../../ports/records/outbox.ts';
import type { CallOptions } from '../../../ports/tenant.ts';
import { createPageTokens, type PageTokens } from '../../page-token.ts';
import { storeCalls } from '../store-calls.ts';
import { type Bound, openScylla, type Scylla } from './client.ts';
import { type Documents, documentsIn } from './documents.ts';
import { platform, put } from './lists.ts';
import { microseconds } from './write-time.ts';

export interface ScyllaStoreOptions extends Pick<AdapterOptions, 'clock'> {
  readonly engines: Pick<AdapterOptions['engines'], 'scylla'>;
}

/** The common parts of the ports that are stored in ScyllaDB. */
export interface ScyllaStore {
  readonly scylla: Scylla;
  readonly documents: Documents;
  readonly now: Clock['now'];
  tokens(): Promise<PageTokens>;
  /** Adds a tenant to the list of tenants. Call it before the first row of a tenant is written. */
  registerTenant(tenant: string): Promise<void>;
  read<Value>(options: CallOptions | undefined, work: () => Promise<Value>): Promise<Value>;
  /** `work` must check the signal until its change is decided. After that the signal is ignored. */
  write<Value>(options: CallOptions | undefined, work: () => Promise<Value>): Promise<Value>;
  close(): Promise<void>;
}

/** Limit of a read, in milliseconds. */
const readMs = 30_000;
/** Limit of a write, in milliseconds. Deleting a person with a hundred thousand faces takes long. */
const writeMs = 120_000;

export function openScyllaStore(
  store: string,
  { engines, clock }: ScyllaStoreOptions,
  scylla: Scylla = openScylla(engines.scylla),
): ScyllaStore {
  const [reads, writes] = [readMs, writeMs].map((timeoutMs) => storeCalls({ store, timeoutMs }));
  const documents = documentsIn(scylla);
  const registered = new Set<string>();
  let tokens: Promise<PageTokens> | undefined;

  return {
    scylla,
    documents,
    now: () => clock.now(),
    tokens() {
      tokens ??= pageTokenKey(scylla).then(createPageTokens, (error: unknown) => {
        tokens = undefined;
        throw error;
      });
      return tokens;
    },
    async registerTenant(tenant) {
      if (registered.has(tenant)) return;
      await scylla.write([['tenants_seen:put', [store, tenant]]], microseconds());
      registered.add(tenant);
    },
    read: (options, work) => reads!.run(options, work),
    async write(options, work) {
      const signal = options?.signal;
      signal?.throwIfAborted();
      // The call does not get the signal, so that it is not cut off after its deciding step. `work` checks the signal before that step.
      return await writes!.run({}, work).catch((error: unknown) => {
        throw signal?.aborted && (error as Error).cause === signal.reason ? signal.reason : error;
      });
    },
    close: () =>
      reads!.close(() =>
        writes!.close(async () => {
          await documents.idle();
          await scylla.close();
        }),
      ),
  };
}

/** Tenants that have or had rows in a store. */
export const tenantsSeen = async (scylla: Scylla, store: string): Promise<string[]> =>
  (await scylla.rows('tenants_seen:all', [store])).map(({ id }) => id as string).sort();

/** Writes the events of a change to the outbox. The ids of the entries sort by time. */
export const outboxOf = (options: Pick<WriteOptions, 'outbox'> | undefined): Bound[] =>
  (options?.outbox ?? []).flatMap(({ topic, event }) =>
    // Ids from `v7` increase within a process, even within one millisecond.
    put('outbox', platform, { at: Date.now(), id: v7() }, JSON.stringify({ topic, event } satisfies OutboxEntry)),
  );

/** The key of page tokens. It is created once for all processes, so tokens are valid in every process and after a restart. */
async function pageTokenKey(scylla: Scylla): Promise<Buffer> {
  const name = 'page-token-key';
  const read = async () => (await scylla.rows('setting:read', [name]))[0]?.value as string | undefined;
  const stored = await read();
  if (stored !== undefined) return Buffer.from(stored, 'hex');
  await scylla.decide('setting:make', [name, randomBytes(32).toString('hex')]);
  return Buffer.from((await read())!, 'hex');
}
