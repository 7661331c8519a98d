import { readFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { packFiles } from '../../shared/vision/pack.ts';
import { ensurePack } from '../../shared/vision/weights/ensure.ts';
import { listPacks, type PackPlaces, readCatalogue, weightsDir } from '../../shared/vision/weights/packs.ts';
import { filesUnder, type LayerFile } from './layer.ts';

/**
 * The files of model packs as the extractor's data folder holds them; what is missing is built or downloaded first.
 *
 * [Note: Weights are in the image]
 * The extractor carries its weights in a layer of their own: a node fetches it once and keeps it, a cold start downloads nothing and
 * needs no store or volume, and a revision answers with the weights that it was made with. The price is one more layer, of 46 MB
 * with the built-in pack. Fetched at start, they would make the first answer wait each time, since instances go away.
 */
export async function weightsOf(packs: readonly string[], places: PackPlaces): Promise<LayerFile[]> {
  const files = new Map<string, LayerFile>();
  for (const name of packs) {
    for (const { path } of packFiles(await ensurePack(name, places))) {
      const below = relative(weightsDir(places.dataDir), path);
      if (below.startsWith('..')) throw new Error(`${path} is outside the data folder: add ${name} without --link`);
      files.set(below, { path: `app/data/models/${below}`, bytes: await readFile(path) });
    }
  }
  return [...files.values()];
}

/** The catalogue and its calibrations; the packs that were added stand in it, since who searches has no weights to look beside. */
export async function catalogueOf(packs: readonly string[], places: PackPlaces): Promise<LayerFile[]> {
  const { packs: own, ...catalogue } = await readCatalogue(places);
  const known = await listPacks(places);
  const added = [];
  for (const { pack, origin } of known) {
    if (origin === 'added' && packs.includes(pack.name)) {
      added.push(JSON.parse(await readFile(join(weightsDir(places.dataDir), pack.name, 'pack.json'), 'utf8')));
    }
  }
  const names = new Set(added.map(({ name }) => name));
  const text = JSON.stringify(
    { ...catalogue, packs: [...own.filter(({ name }) => !names.has(name)), ...added] },
    null,
    2,
  );
  return [
    { path: 'app/models/models.json', bytes: Buffer.from(`${text}\n`) },
    ...(await filesUnder(join(places.modelsDir, 'calibration'), 'app/models/calibration')),
  ];
}
