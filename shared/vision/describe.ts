import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { PackDescription } from '../ports/extractor.ts';
import { calibrationSchema, hasOwnCalibration, type Pack } from './pack.ts';

/**
 * Describes a pack: embedding space, dimension and calibration. Reads the calibration file below `modelsDir`; the model files can be
 * missing. A calibration that belongs to another pack is returned without `mates`, because its miss rates were not measured with these
 * networks. Errors: those of `readFile` and JSON.parse; ZodError when the calibration is malformed.
 */
export async function describePack(pack: Pack, modelsDir: string): Promise<PackDescription> {
  const { name, space, embedder, calibration: given } = pack;
  const calibration =
    typeof given === 'string'
      ? calibrationSchema.parse(JSON.parse(await readFile(join(modelsDir, 'calibration', `${given}.json`), 'utf8')))
      : given;
  return {
    pack: name,
    space,
    dimension: embedder.dimension,
    calibration: hasOwnCalibration(pack) ? calibration : { ...calibration, mates: undefined },
  };
}
