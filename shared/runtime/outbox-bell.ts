import type { RuntimeContext } from '../function/context.ts';

/** Calls that fail one after the other before it is left to the schedule, and the first pause between them, which doubles. */
const tries = 4;
const pauseMs = 500;

/**
 * Wakes the function that publishes the outbox, soon after something was written; answers nobody. While it is on its way, all
 * further writes share one more call.
 *
 * [Note: Who publishes]
 * A function that changes something writes its events with the rows and has no broker of its own: it starts without a connection to
 * Kafka, and a crash between the two loses nothing. Publishing is one function's work. Its schedule, once a minute, is what
 * makes sure; being woken is what makes it quick. So nothing waits for the call, and one that fails is made again some times, then left.
 */
export function outboxBell(
  url: string,
  { log, newId, clock }: Pick<RuntimeContext, 'log' | 'newId' | 'clock'>,
): () => void {
  let isRinging = false;
  let isDue = false;
  return () => {
    isDue = true;
    if (!isRinging) void ring();
  };

  async function ring(): Promise<void> {
    isRinging = true;
    for (let failures = 0; isDue; ) {
      isDue = false;
      try {
        await wake(url, newId());
        failures = 0;
      } catch (error) {
        log.warn({ err: error }, 'the outbox was not woken');
        failures++;
        if (isDue || failures >= tries) continue;
        await new Promise<void>((resolve) => clock.after(pauseMs * 2 ** (failures - 1), resolve));
        isDue = true;
      }
    }
    isRinging = false;
  }
}

/** As its schedule does. */
async function wake(url: string, id: string): Promise<void> {
  const headers = {
    'content-type': 'application/json',
    'ce-specversion': '1.0',
    'ce-id': id,
    'ce-source': '/freeface',
    'ce-type': 'dev.knative.sources.ping',
  };
  const response = await fetch(url, { method: 'POST', headers, body: '{}', signal: AbortSignal.timeout(60_000) });
  await response.body?.cancel();
  if (!response.ok) throw new Error(`sweep-outbox answered ${response.status}`);
}
