import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { castNames } from '../../shared/testing/portraits/cast.ts';
import { drawPortrait } from '../../shared/testing/portraits/index.ts';
import { type LightName, lights } from '../../shared/testing/portraits/view.ts';
import { listPeople } from './people.ts';

/** Photos for measuring time, each with one face. `source` describes them. */
export interface PhotoSet {
  readonly photos: readonly Uint8Array[];
  readonly source: string;
}

/** Photos of real people at 250 px from `folder`/lfw; drawn portraits of the same size when that folder does not exist. */
export async function photoSet(folder: string | null, count: number): Promise<PhotoSet> {
  const people = folder === null ? '' : join(folder, 'lfw');
  if (people !== '' && existsSync(people)) {
    const files = await listPeople(people);
    const step = Math.max(1, Math.floor(files.length / count));
    const chosen = Array.from({ length: count }, (_, i) => files[(i * step) % files.length]!);
    return { photos: await Promise.all(chosen.map((file) => readFile(join(people, file)))), source: 'LFW, 250 px' };
  }
  const names = Object.keys(lights) as LightName[];
  const drawn = Array.from({ length: count }, (_, i) =>
    drawPortrait({
      person: castNames[i % castNames.length]!,
      light: names[i % names.length]!,
      tilt: (i % 9) - 4,
      scene: i,
      size: 250,
    }),
  );
  return { photos: await Promise.all(drawn), source: 'drawn portraits, 250 px' };
}
