import { setTimeout } from 'node:timers/promises';
import { MilvusClient } from '@zilliz/milvus2-sdk-node';
import type { AdapterOptions } from '../../../function/adapter-options.ts';
import { trusted } from '../tls.ts';

export type MilvusSettings = AdapterOptions['engines']['milvus'];

/** Limit of one request, in milliseconds. */
export const requestMs = 10_000;
/** Pause between two checks of the loading progress. */
const loadPauseMs = 200;

/** Status in every response of Milvus. */
interface Status {
  readonly code?: number;
  readonly error_code?: string | number;
  readonly reason?: string;
}

/** A request that Milvus refused. */
export class MilvusError extends Error {
  override readonly name = 'MilvusError';
  /** Milvus' error code; -1 when unknown. */
  readonly code: number;

  constructor(message: string, code: number) {
    super(message);
    this.code = code;
  }
}

/** Milvus' error codes. */
export const codes = { collectionNotFound: 100, collectionNotLoaded: 101, indexNotFound: 700 } as const;

/** Connects in the background. A call waits for the connection within its own time limit. */
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
    // Telemetry would report the client's calls to the server.
    telemetry: { enabled: false },
    channelOptions: {
      'grpc.initial_reconnect_backoff_ms': 100,
      'grpc.max_reconnect_backoff_ms': 2000,
    },
  });
  // Every call reports the error again, so it is ignored here.
  client.connectPromise.catch(() => undefined);
  return client;
}

/**
 * Returns the response when its status is success. `what` names the request in the error.
 *
 * [Note: Failed calls of Milvus resolve]
 * A call of the driver also resolves when the request failed. Some unsupported calls resolve to an empty object. So every response is
 * checked here. Errors: MilvusError.
 */
export function checked<Answer extends { status?: Status } | Status>(what: string, answer: Answer): Answer {
  const status: Status | undefined = 'status' in answer ? answer.status : (answer as Status);
  if (status?.error_code === undefined) throw new MilvusError(`${what}: the response of Milvus has no status`, -1);
  if (status.error_code === 'Success' || status.error_code === 0) return answer;
  throw new MilvusError(`${what}: ${status.reason || status.error_code}`, codeOf(status));
}

/**
 * Loads a collection and waits at most `withinMs` until it is loaded. The driver's own wait has no limit. Errors: MilvusError; AbortError
 * when the signal aborts.
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
      throw new MilvusError(`loading ${name}: only ${progress} % after ${withinMs} ms`, codes.collectionNotLoaded);
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
