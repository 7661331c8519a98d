import { mkdirSync, renameSync, rmSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { embeddedOpeners } from '../../shared/adapters/embedded/index.ts';
import { openRecords } from '../../shared/adapters/embedded/records.ts';
import { disk } from '../../shared/domain/tuning.ts';
import { adapterOptions } from '../../shared/function/adapter-options.ts';
import { folderWithWeights, startPlatform } from '../../shared/testing/platform.ts';
import { functions } from '../registry.gen.ts';

describe('GET health/ready', () => {
  it.each([
    ['moved away', () => undefined],
    ['replaced by an empty folder', (folder: string) => mkdirSync(folder)],
  ])(
    'When the data folder is %s while the platform runs, then writes and reads are refused and the platform is not ready, until the folder is back',
    async (_, replace) => {
      const dataDir = folderWithWeights();
      const { call } = await startPlatform(functions, { dataDir });
      const before = await call('POST', '/api/v1/persons', { json: { person_id: 'ada' } });
      const ready = await call('GET', '/health/ready', { as: null });

      renameSync(dataDir, `${dataDir}-moved`);
      replace(dataDir);
      const answers = await Promise.all([
        call('POST', '/api/v1/persons', { json: { person_id: 'ben' } }),
        call('GET', '/api/v1/persons/ada'),
        call('GET', '/health/ready', { as: null }),
      ]);

      rmSync(dataDir, { recursive: true, force: true });
      renameSync(`${dataDir}-moved`, dataDir);
      const back = await call('GET', '/health/ready', { as: null });

      expect([before.status, ready.status]).toEqual([201, 200]);
      expect(answers.map(({ status }) => status)).toEqual([503, 503, 503]);
      expect(back.status).toBe(200);
    },
  );

  it('When the disk of the data folder is full, then the platform is not ready, until there is space again', async () => {
    let free = disk.leastFreeBytes - 1;
    const { call } = await startPlatform(functions, {
      openers: {
        ...embeddedOpeners,
        records: (context) => openRecords({ ...adapterOptions(context), freeBytes: () => free }),
      },
    });

    const full = await call('GET', '/health/ready', { as: null });
    free = disk.leastFreeBytes;
    const again = await call('GET', '/health/ready', { as: null });

    expect([full.status, full.json.error.code, again.status]).toEqual([503, 'NOT_READY', 200]);
  });
});
