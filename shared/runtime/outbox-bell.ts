import type { RuntimeContext } from '../function/context.ts';

/** Failed calls in a row; after these, the next call comes from the schedule. */
const maxFailures = 4;
/** Pause after the first failed call. It doubles after each further one. */
const firstPauseMs = 500;

/**
 * Returns a function that calls `sweep-outbox` in the background, to publish new events at once. All writes during one call share one
 * more call after it.
 *
 * [Note: Publishing from the outbox]
 * A function that changes data stores its events in the outbox together with the rows. It has no connection to Kafka, so it starts
 * faster, and a crash between the write and the publication loses no event. Only the function `sweep-outbox` publishes these events. Its
 * schedule, once a minute, guarantees that each event is published; the call after a write only makes it fast. So no request waits for
 * this call, and a failed call is repeated only a few times.
 */
export function outboxBell(
  url: string,
  { log, newId, clock }: Pick<RuntimeContext, 'log' | 'newId' | 'clock'>,
): () => void {
  let isCalling = false;
  let isDue = false;
  return () => {
    isDue = true;
    if (!isCalling) void callUntilDone();
  };

  async function callUntilDone(): Promise<void> {
    isCalling = true;
    for (let failures = 0; isDue; ) {
      isDue = false;
      try {
        await callPublisher(url, newId());
        failures = 0;
      } catch (error) {
        log.warn({ err: error }, 'calling sweep-outbox failed');
        failures++;
        if (isDue || failures >= maxFailures) continue;
        await new Promise<void>((resolve) => clock.after(firstPauseMs * 2 ** (failures - 1), resolve));
        isDue = true;
      }
    }
    isCalling = false;
  }
}

/** Sends the same event as the schedule. */
async function callPublisher(url: string, id: string): Promise<void> {
  const headers = {
    'content-type': 'application/json',
    'ce-specversion': '1.0',
    'ce-id': id,
    'ce-source': '/freeface',
    'ce-type': 'dev.knative.sources.ping',
  };
  const response = await fetch(url, { method: 'POST', headers, body: '{}', signal: AbortSignal.timeout(60_000) });
  await response.body?.cancel();
  if (!response.ok) throw new Error(`sweep-outbox responded with status ${response.status}`);
}
