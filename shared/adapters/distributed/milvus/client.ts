import { setTimeout } from 'node:timers/promises';
import { MilvusClient } from '@zilliz/milvus2-sdk-node';
import type { AdapterOptions } from '../../../function/adapter-options.ts';
import { trusted } from '../tls.ts';

export type MilvusSettings = AdapterOptions['engines']['milvus'];

/** One request. */
export const requestMs = 10_000;
/** Between two looks at how far a collection is loaded. */
const loadPauseMs = 200;

/** What every answer of Milvus bears. */
interface Status {
  readonly code?: number;
  readonly error_code?: string | number;
  readonly reason?: string;
}

/** What Milvus refused. */
export class MilvusError extends Error {
  override readonly name = 'MilvusError';
  /** Milvus' own number. */
  readonly code: number;

  constructor(message: string, code: number) {
    super(message);
    this.code = code;
  }
}

/** Codes of Milvus. */
export const codes = { collectionNotFound: 100, collectionNotLoaded: 101, indexNotFound: 700 } as const;

/** Connects in the background; a call before it is connected waits within its time. */
export function openMilvus({ address, database, credentials, tls }: MilvusSettings): MilvusClient {
  const client = new MilvusClient({
    address,
    database,
    ...(credentials ?? {}),
    ...(tls === null
      ? {}
      : { ssl: true, ...(tls.ca === null ? {} : { tls: { rootCert: Buffer.from(trusted(tls.ca).join('\n')) } }) }),
    timeout: requestMs,
    maxRetries: 2,
    logLevel: 'error',
    // It would tell the server what is done here, and how often.
    telemetry: { enabled: false },
    channelOptions: {
      'grpc.initial_reconnect_backoff_ms': 100,
      'grpc.max_reconnect_backoff_ms': 2000,
    },
  });
  // Whoever calls learns of it.
  client.connectPromise.catch(() => undefined);
  return client;
}

/**
 * The answer, once it says itself that it is one.
 *
 * [Note: Milvus answers with its errors]
 * A call resolves also when it failed, and some resolve to an empty object where they are not supported. So every answer is taken
 * through here. Errors: MilvusError.
 */
export function checked<Answer extends { status?: Status } | Status>(what: string, answer: Answer): Answer {
  const status: Status | undefined = 'status' in answer ? answer.status : (answer as Status);
  if (status?.error_code === undefined) throw new MilvusError(`${what}: the answer has no status`, -1);
  if (status.error_code === 'Success' || status.error_code === 0) return answer;
  throw new MilvusError(`${what}: ${status.reason || status.error_code}`, codeOf(status));
}

/**
 * Loads a collection and waits until it is, for so long at most; the driver's own wait has no end. Errors: MilvusError; an AbortError
 * once the signal aborts.
 */
export async function load(
  client: MilvusClient,
  name: string,
  { withinMs, signal }: { readonly withinMs: number; readonly signal?: AbortSignal },
): Promise<void> {
  const of = { collection_name: name, timeout: requestMs };
  const until = performance.now() + withinMs;
  signal?.throwIfAborted();
  checked('loading', await client.loadCollectionAsync(of));
  for (;;) {
    const { progress } = checked('loading', await client.getLoadingProgress(of));
    if (Number(progress) >= 100) return;
    if (performance.now() >= until) {
      throw new MilvusError(`loading ${name}: ${progress} % after ${withinMs} ms`, codes.collectionNotLoaded);
    }
    await setTimeout(loadPauseMs, undefined, { signal });
  }
}

function codeOf({ code, error_code, reason = '' }: Status): number {
  if (code !== undefined && code !== 0) return code;
  if (/not loaded|has not been loaded/i.test(reason)) return codes.collectionNotLoaded;
  if (/can't find collection|collection not found|not exist/i.test(reason)) return codes.collectionNotFound;
  return typeof error_code === 'number' ? error_code : -1;
}
