import { CloudEvent } from 'cloudevents';
import { openEvents } from '../../shared/adapters/embedded/events.ts';
import { systemClock } from '../../shared/ports/clock.ts';
import type { Row } from './rows.ts';

/** Number of events in one publish call: each call is one synced write. */
const lot = 100;

/** Measures events a second through the embedded broker, from publishing to acknowledgement, with a subscriber that does nothing. */
export async function measureEvents({ quick, dataDir }: { quick: boolean; dataDir: string }): Promise<Row[]> {
  const count = quick ? 5000 : 50_000;
  const events = await openEvents({ dataDir, clock: systemClock });
  try {
    const published = Array.from(
      { length: count },
      (_, n) => new CloudEvent({ type: 'bench', source: '/bench', partitionkey: `key-${n % 100}`, data: { n } }),
    );
    let done = 0;
    let finish = (): void => undefined;
    const finished = new Promise<void>((resolve) => {
      finish = resolve;
    });
    const delivery = { retry: 0, backoff: 'linear', backoffDelayMs: 1000, timeoutMs: 10_000 } as const;
    await events.subscribe({ group: 'bench', topic: 'bench', delivery, concurrency: 16 }, async () => {
      done += 1;
      if (done === count) finish();
      return { status: 204 };
    });
    const begun = performance.now();
    for (let from = 0; from < count; from += lot) await events.publish('bench', published.slice(from, from + lot));
    await finished;
    const seconds = (performance.now() - begun) / 1000;
    return [
      {
        section: 'events',
        name: 'embedded broker, published to done',
        value: count / seconds,
        unit: 'events/s',
        goal: { atLeast: 2000 },
        note: `${count} events, ${lot} in each synced write, a subscriber that does nothing`,
      },
    ];
  } finally {
    await events.close();
  }
}
