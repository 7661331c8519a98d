import { resolve } from 'node:path';
import { expect, it } from 'vitest';
import { expectedMissRate, templateLimit } from '../domain/gallery-size.ts';
import { temporaryFolder } from '../testing/temporary-folder.ts';
import { describePack } from './describe.ts';
import { findPack } from './weights/packs.ts';

const modelsDir = resolve('models');
const describeByName = async (name: string) =>
  describePack(await findPack(name, { modelsDir, dataDir: temporaryFolder() }), modelsDir);

it('When a pack has its own calibration, then its miss rates are known', async () => {
  const { calibration } = await describeByName('builtin');

  expect(expectedMissRate(calibration, 0.01, 100)).toBeGreaterThan(0);
});

it('When a pack has the calibration of another pack, then it gets the thresholds, but not the miss rates', async () => {
  const [borrower, owner] = await Promise.all(['permissive', 'retinaface-mobilefacenet'].map(describeByName));

  expect(borrower!.calibration.identification).toEqual(owner!.calibration.identification);
  expect([expectedMissRate(borrower!.calibration, 0.01, 100), templateLimit(borrower!.calibration)]).toEqual([
    null,
    null,
  ]);
  expect(expectedMissRate(owner!.calibration, 0.01, 100)).toBeGreaterThan(0);
});
