import { readFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { packFiles } from '../../shared/vision/pack.ts';
import { ensurePack } from '../../shared/vision/weights/ensure.ts';
import { listPacks, type PackPlaces, readCatalogue, weightsDir } from '../../shared/vision/weights/packs.ts';
import { filesUnder, type LayerFile } from './layer.ts';

/**
 * Returns the files of model packs at their paths in the extractor's data folder. Missing files are built or downloaded first.
 *
 * [Note: Weights are in the image]
 * The extractor's image has the weights in a layer of their own. A node fetches this layer once and keeps it. A cold start downloads
 * nothing and needs no store or volume. A revision always uses the weights that it was built with. The cost is one more layer, 46 MB
 * with the built-in pack. If instances fetched the weights at start, the first request to every new instance would wait for them.
 */
export async function weightsOf(packs: readonly string[], places: PackPlaces): Promise<LayerFile[]> {
  const files = new Map<string, LayerFile>();
  for (const name of packs) {
    for (const { path } of packFiles(await ensurePack(name, places))) {
      const below = relative(weightsDir(places.dataDir), path);
      if (below.startsWith('..'))
        throw new Error(`${path} is outside the data folder: add the pack ${name} again without --link`);
      files.set(below, { path: `app/data/models/${below}`, bytes: await readFile(path) });
    }
  }
  return [...files.values()];
}

/**
 * Returns the catalogue and its calibrations. Packs that were added are entered into the catalogue, because a function that searches
 * has no weights and cannot read the packs' own descriptions.
 */
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
