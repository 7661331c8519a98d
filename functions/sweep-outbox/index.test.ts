import { describe, expect, it } from 'vitest';
import { folderWithWeights, startPlatform } from '../../shared/testing/platform.ts';
import { functions } from '../registry.gen.ts';

const withoutExtractor = functions.filter(({ manifest }) => !manifest.uses.includes('extractor'));
const withoutSweep = withoutExtractor.filter(({ manifest }) => manifest.name !== 'sweep-outbox');

describe('sweep-outbox', () => {
  it('When the process stopped before events went out, then the next start publishes them, once and in order', async () => {
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
});
