import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openExtractor } from '../../adapters/in-process-extractor.ts';
import { cosineOfPair } from '../../domain/similarity.ts';
import type { Extraction, Extractor } from '../../ports/extractor.ts';
import { addPack } from '../../vision/weights/add.ts';
import { readCatalogue } from '../../vision/weights/packs.ts';
import { describeShared } from '../shared-files.ts';
import { shareWeights } from '../weights.ts';
import { backdrops } from './backdrop.ts';
import { castNames } from './cast.ts';
import { drawGroup, drawPortrait, drawScene, type PortraitOptions } from './index.ts';

type View = Omit<PortraitOptions, 'person'>;

const plain: View = { size: 300 };
/** Each view changes several properties: light, size, tilt, yaw, expression, background. */
const others: readonly View[] = [
  { size: 250, light: 'dim', background: 'lights', scene: 6, yaw: -12 },
  { size: 320, light: 'lamp', background: 'wall', scene: 3, tilt: -10, expression: 'smile' },
];
const modelsDir = resolve('models');

describe('the cast with the default pack', () => {
  check('builtin', (dataDir) => shareWeights(dataDir), { mates: 0.96, strangers: 0.93 });

  it('When several people are in one photo, then all their faces are found, and no face is found in an empty scene', async () => {
    const extractor = extractors.get('builtin')!;

    const trio = await extractor.extract(
      await drawGroup([{ person: 'boris' }, { person: 'greta' }, { person: 'jonas' }]),
    );
    const rows = await extractor.extract(
      await drawGroup(
        castNames.map((person) => ({ person })),
        { size: { width: 1600, height: 1000 }, rows: 3 },
      ),
    );
    const scenes = await Promise.all(
      backdrops.map(async (background) => extractor.extract(await drawScene({ background, scene: 1, size: 500 }))),
    );

    expect([trio.faces.length, rows.faces.length]).toEqual([3, 12]);
    expect(scenes.map(({ faces }) => faces.length)).toEqual(backdrops.map(() => 0));
  });
});

describeShared('the cast with an ArcFace-type pack', 'models', (folder) => {
  check('retinaface-mobilefacenet', (dataDir) => addFromCatalogue('retinaface-mobilefacenet', folder, dataDir), {
    mates: 0.7,
    strangers: 0.65,
  });
});

const extractors = new Map<string, Extractor>();

/** `margins`: lowest cosine of mates and highest cosine of strangers. */
function check(
  pack: string,
  prepare: (dataDir: string) => unknown,
  margins: { readonly mates: number; readonly strangers: number },
): void {
  let dataDir: string;

  beforeAll(async () => {
    dataDir = mkdtempSync(join(tmpdir(), 'freeface-portraits-'));
    await prepare(dataDir);
    extractors.set(pack, openExtractor({ packs: [pack], modelsDir, dataDir }));
  });

  afterAll(async () => {
    await extractors.get(pack)?.close();
    rmSync(dataDir, { recursive: true, force: true });
  });

  it('When each person is drawn in three views, then one good face is found in each, nearer to the same person than to any other', async () => {
    const extractor = extractors.get(pack)!;

    const people: Extraction[][] = [];
    for (const person of castNames) {
      people.push(
        await Promise.all(
          [plain, ...others].map(async (view) => extractor.extract(await drawPortrait({ ...view, person }))),
        ),
      );
    }

    const faces = people.map((shots) => shots.map((shot) => shot.faces));
    expect(
      castNames.flatMap((name, i) => faces[i]!.map((found, view) => `${name} in view ${view}: ${found.length}`)),
    ).toEqual(castNames.flatMap((name) => [plain, ...others].map((_, view) => `${name} in view ${view}: 1`)));
    expect(Math.min(...faces.flat(2).map(({ quality }) => quality.score))).toBeGreaterThan(0.35);
    const embeddings = faces.map((shots) => shots.map(([face]) => face!.embedding!));
    const mates = embeddings.flatMap((own) => pairs(own).map(([a, b]) => cosineOfPair(a, b)));
    const strangers = pairs(embeddings).flatMap(([a, b]) => a.flatMap((x) => b.map((y) => cosineOfPair(x, y))));
    expect(Math.min(...mates)).toBeGreaterThan(margins.mates);
    expect(Math.max(...strangers)).toBeLessThan(margins.strangers);
  });
}

async function addFromCatalogue(name: string, from: string, dataDir: string): Promise<void> {
  const { packs } = await readCatalogue({ modelsDir });
  await addPack(packs.find((pack) => pack.name === name)!, { modelsDir, dataDir, from, link: true });
}

const pairs = <T>(values: readonly T[]): [T, T][] =>
  values.flatMap((a, i) => values.slice(i + 1).map((b): [T, T] => [a, b]));
