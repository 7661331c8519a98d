/**
 * Settles like `work`, unless `signal` aborts first: then it rejects with the signal's reason, and `work` continues unobserved. When
 * the signal has already aborted, `work` does not start.
 */
export function untilAborted<Value>(signal: AbortSignal, work: () => Promise<Value>): Promise<Value> {
  if (signal.aborted) return Promise.reject(signal.reason);
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(signal.reason);
    signal.addEventListener('abort', onAbort, { once: true });
    work()
      .then(resolve, reject)
      .finally(() => signal.removeEventListener('abort', onAbort));
  });
}
