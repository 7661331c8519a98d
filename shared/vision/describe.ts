import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { PackDescription } from '../ports/extractor.ts';
import { calibrationSchema, type Pack } from './pack.ts';

/** What callers need of a pack beside its faces. Reads the calibration; the weights need not be there. */
export async function describePack(pack: Pack, modelsDir: string): Promise<PackDescription> {
  const { name, space, embedder, calibration } = pack;
  return {
    pack: name,
    space,
    dimension: embedder.dimension,
    calibration:
      typeof calibration === 'string'
        ? calibrationSchema.parse(
            JSON.parse(await readFile(join(modelsDir, 'calibration', `${calibration}.json`), 'utf8')),
          )
        : calibration,
  };
}
