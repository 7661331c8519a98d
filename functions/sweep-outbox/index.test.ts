import { describe, expect, it } from 'vitest';
import { embeddedOpeners } from '../../shared/adapters/embedded/index.ts';
import { AppError } from '../../shared/errors.ts';
import { fakeClock } from '../../shared/testing/fake-clock.ts';
import { folderWithWeights, startPlatform } from '../../shared/testing/platform.ts';
import { functions } from '../registry.gen.ts';

const withoutExtractor = functions.filter(({ manifest }) => !manifest.uses.includes('extractor'));
const withoutSweep = withoutExtractor.filter(({ manifest }) => manifest.name !== 'sweep-outbox');

describe('sweep-outbox', () => {
  it('When the process stopped before it published events, then the next start publishes them once and in order', async () => {
    const dataDir = folderWithWeights();
    const before = await startPlatform(withoutSweep, { dataDir });
    for (const name of ['a', 'b', 'c']) await before.call('POST', '/api/v1/persons', { json: { person_id: name } });
    await before.close();

    const after = await startPlatform(withoutExtractor, { dataDir });

    const events = await after.events(3);
    expect(events.map(({ type, subject }) => [type, subject])).toEqual(
      ['a', 'b', 'c'].map((name) => ['freeface.person.created.v1', name]),
    );
    expect(await after.ports.records.pendingOutbox(10)).toEqual([]);
  });

  it('When the broker rejects an event, then the event is retried after growing pauses, not after a minute', async () => {
    const clock = fakeClock();
    let refusals = 3;
    const platform = await startPlatform(withoutExtractor, {
      clock,
      openers: {
        ...embeddedOpeners,
        events: async (context) => {
          const events = await embeddedOpeners.events(context);
          return {
            ...events,
            async publish(...call) {
              if (--refusals >= 0) throw new AppError('STORE_UNAVAILABLE');
              return events.publish(...call);
            },
          };
        },
      },
    });
    const begun = clock.now();

    await platform.call('POST', '/api/v1/persons', { json: { person_id: 'ada' } });
    await clock.until(async () => (await platform.ports.records.pendingOutbox(1)).length === 0);

    expect(clock.now() - begun).toBe(1000 + 2000 + 4000);
    expect((await platform.events(1)).map(({ type }) => type)).toEqual(['freeface.person.created.v1']);
  });
});
