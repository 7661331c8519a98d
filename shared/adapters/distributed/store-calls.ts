import { AppError } from '../../errors.ts';
import type { CallOptions } from '../../ports/tenant.ts';

export interface StoreCalls {
  /**
   * Runs `call` until it settles, the caller's signal aborts, or the time is up, whichever is first; what the driver still does
   * after that changes nothing for the caller. `signal` is for drivers that can stop.
   */
  run<Value>(options: CallOptions | undefined, call: (signal: AbortSignal) => Promise<Value>): Promise<Value>;
  /** Refuses every later call, waits for the running ones, then releases the driver. The same promise every time. */
  close(release: () => unknown): Promise<void>;
}

export interface StoreCallsOptions {
  /** For messages: `images`, `cache`. */
  readonly store: string;
  /** One call may take this long. */
  readonly timeoutMs: number;
  /** What an error of the driver means, where it is not that the store is unavailable. */
  readonly translate?: (error: unknown) => unknown;
}

/**
 * [Note: Nothing hangs]
 * Drivers have time-outs of their own, for connecting, for a request, for a retry; together they may be long, and a driver may
 * forget one. So every call of a port has one limit around all of it. A store that is down or slow is STORE_UNAVAILABLE then,
 * which an HTTP caller sees as 503 and a broker as `deliver again`.
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
      const timer = setTimeout(() => end(unavailable(`no answer within ${timeoutMs} ms`)), timeoutMs);
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
      if (closing !== undefined) throw unavailable('closed');
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

/** Resolves after real time; keeps no process alive. For limits around drivers, never to wait for something. */
export const passed = (milliseconds: number): Promise<void> =>
  new Promise((resolve) => {
    AbortSignal.timeout(milliseconds).addEventListener('abort', () => resolve());
  });
