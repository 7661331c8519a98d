import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { PackDescription } from '../ports/extractor.ts';
import { calibrationSchema, type Pack } from './pack.ts';

/**
 * Describes a pack: embedding space, dimension and calibration. Reads the calibration file below `modelsDir`; the model files can be
 * missing. Errors: those of `readFile` and JSON.parse; ZodError when the calibration is malformed.
 */
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
