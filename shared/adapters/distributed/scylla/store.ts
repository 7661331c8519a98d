import { randomBytes } from 'node:crypto';
import { v7 } from 'uuid';
import type { AdapterOptions } from '../../../function/adapter-options.ts';
import type { Clock } from '../../../ports/clock.ts';
import type { OutboxEntry, WriteOptions } from '../../../ports/records/outbox.ts';
import type { CallOptions } from '../../../ports/tenant.ts';
import { createPageTokens, type PageTokens } from '../../page-token.ts';
import { storeCalls } from '../store-calls.ts';
import { type Bound, openScylla, type Scylla } from './client.ts';
import { type Documents, documentsIn, microseconds } from './documents.ts';
import { platform, put } from './lists.ts';

export interface ScyllaStoreOptions extends Pick<AdapterOptions, 'clock'> {
  readonly engines: Pick<AdapterOptions['engines'], 'scylla'>;
}

/** What the ports that are kept in ScyllaDB share. */
export interface ScyllaStore {
  readonly scylla: Scylla;
  readonly documents: Documents;
  readonly now: Clock['now'];
  tokens(): Promise<PageTokens>;
  /** Has to be done before the first row of a tenant. */
  seen(tenant: string): Promise<void>;
  read<Value>(options: CallOptions | undefined, work: () => Promise<Value>): Promise<Value>;
  /** The signal counts until something is decided: `work` looks at it before. */
  write<Value>(options: CallOptions | undefined, work: () => Promise<Value>): Promise<Value>;
  close(): Promise<void>;
}

const readMs = 30_000;
/** Erasing somebody with a hundred thousand faces takes its time. */
const writeMs = 120_000;

export function openScyllaStore(
  store: string,
  { engines, clock }: ScyllaStoreOptions,
  scylla: Scylla = openScylla(engines.scylla),
): ScyllaStore {
  const [reads, writes] = [readMs, writeMs].map((timeoutMs) => storeCalls({ store, timeoutMs }));
  const documents = documentsIn(scylla);
  const known = new Set<string>();
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
    async seen(tenant) {
      if (known.has(tenant)) return;
      await scylla.write([['tenants_seen:put', [store, tenant]]], microseconds());
      known.add(tenant);
    },
    read: (options, work) => reads!.run(options, work),
    async write(options, work) {
      const signal = options?.signal;
      signal?.throwIfAborted();
      // The call itself ends by its time alone; what aborts it is heeded before the deciding step.
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

/** Tenants that ever had rows in a store. */
export const tenantsSeen = async (scylla: Scylla, store: string): Promise<string[]> =>
  (await scylla.rows('tenants_seen:all', [store])).map(({ id }) => id as string).sort();

/** Events that belong to a change. Their ids say where they stand. */
export const outboxOf = (options: Pick<WriteOptions, 'outbox'> | undefined): Bound[] =>
  (options?.outbox ?? []).flatMap(({ topic, event }) =>
    // The versions of a process follow each other, also within one millisecond.
    put('outbox', platform, { at: Date.now(), id: v7() }, JSON.stringify({ topic, event } satisfies OutboxEntry)),
  );

/** Made once for all processes, so that tokens go from one to another and outlive a restart. */
async function pageTokenKey(scylla: Scylla): Promise<Buffer> {
  const name = 'page-token-key';
  const read = async () => (await scylla.rows('setting:read', [name]))[0]?.value as string | undefined;
  const there = await read();
  if (there !== undefined) return Buffer.from(there, 'hex');
  await scylla.decide('setting:make', [name, randomBytes(32).toString('hex')]);
  return Buffer.from((await read())!, 'hex');
}
