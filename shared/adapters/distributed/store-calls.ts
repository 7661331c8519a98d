import { AppError } from '../../errors.ts';
import type { CallOptions } from '../../ports/tenant.ts';

export interface StoreCalls {
  /**
   * Runs `call` until it settles, the caller's signal aborts, or the time limit ends. The caller gets the first of these results; later
   * results of the driver are ignored. Drivers that can cancel a request use `signal`.
   */
  run<Value>(options: CallOptions | undefined, call: (signal: AbortSignal) => Promise<Value>): Promise<Value>;
  /** Refuses later calls, waits for the running ones, then releases the driver. Repeated calls return the same promise. */
  close(release: () => unknown): Promise<void>;
}

export interface StoreCallsOptions {
  /** Name in error texts, for example `images`. */
  readonly store: string;
  /** Time limit of one call. */
  readonly timeoutMs: number;
  /** Maps an error of the driver to an AppError or RangeError. Any other error becomes STORE_UNAVAILABLE. */
  readonly translate?: (error: unknown) => unknown;
}

/**
 * [Note: Every call has a time limit]
 * Drivers have separate time-outs for connecting, for a request and for a retry. Their sum can be long, and some drivers miss a case.
 * So every call of a port has one time limit for all of its work. A store that is down or too slow gives STORE_UNAVAILABLE: HTTP callers
 * get 503, and a broker delivers the event again.
 */
export function storeCalls({ store, timeoutMs, translate = (error) => error }: StoreCallsOptions): StoreCalls {
  const running = new Set<Promise<unknown>>();
  let closing: Promise<void> | undefined;
  const unavailable = (message: string, cause?: unknown) =>
    new AppError('STORE_UNAVAILABLE', { message: `${store}: ${message}`, cause });

  const meaning = (error: unknown): unknown => {
    const translated = translate(error);
    if (translated instanceof AppError || translated instanceof RangeError) return translated;
    return unavailable(translated instanceof Error ? translated.message : String(translated), translated);
  };

  const limited = async <Value>(
    signal: AbortSignal | undefined,
    call: (signal: AbortSignal) => Promise<Value>,
  ): Promise<Value> => {
    signal?.throwIfAborted();
    const controller = new AbortController();
    let stop: () => void = () => undefined;
    const interrupted = new Promise<never>((_, reject) => {
      const end = (reason: unknown) => {
        reject(reason);
        controller.abort(reason);
      };
      const timer = setTimeout(() => end(unavailable(`no response within ${timeoutMs} ms`)), timeoutMs);
      const onAbort = () => end(signal!.reason);
      signal?.addEventListener('abort', onAbort, { once: true });
      stop = () => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', onAbort);
      };
    });
    const answer = call(controller.signal).catch((error: unknown) => {
      throw meaning(error);
    });
    try {
      return await Promise.race([answer, interrupted]);
    } finally {
      stop();
    }
  };

  return {
    async run(options, call) {
      if (closing !== undefined) throw unavailable('the store is closed');
      const result = limited(options?.signal, call);
      running.add(result);
      try {
        return await result;
      } finally {
        running.delete(result);
      }
    },
    close(release) {
      closing ??= Promise.allSettled(running).then(async () => void (await release()));
      return closing;
    },
  };
}

/** Resolves after this much real time. Does not keep the process alive. Use it only as a time limit for drivers. */
export const passed = (milliseconds: number): Promise<void> =>
  new Promise((resolve) => {
    AbortSignal.timeout(milliseconds).addEventListener('abort', () => resolve());
  });
