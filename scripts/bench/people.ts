import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ExtractedFace, Extraction, Extractor } from '../../shared/ports/extractor.ts';

/** A photo of one person: the template of the face nearest its centre, null when no face was found. */
export interface PersonPhoto {
  readonly person: string;
  /** `<person>/<file>`. */
  readonly file: string;
  readonly embedding: Float32Array | null;
  readonly faces: number;
  readonly quality: number;
}

const picture = /\.(jpe?g|png|webp)$/i;

/** Photos in a folder of people (`<folder>/<person>/<photo>`), sorted, as `<person>/<file>`. */
export async function listPeople(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true });
  const lists = await Promise.all(
    entries
      .filter((entry) => entry.isDirectory())
      .map(async ({ name }) =>
        (await readdir(join(folder, name))).filter((file) => picture.test(file)).map((file) => `${name}/${file}`),
      ),
  );
  return lists.flat().toSorted();
}

/** Embeds them all, two at a time for each thread of the extractor. `onPhoto` is told after each. */
export async function embedPeople(
  extractor: Extractor,
  folder: string,
  files: readonly string[],
  onPhoto: (done: number) => void = () => {},
): Promise<PersonPhoto[]> {
  const photos: PersonPhoto[] = [];
  let next = 0;
  let done = 0;
  const work = async () => {
    for (let i = next++; i < files.length; i = next++) {
      const file = files[i]!;
      const extraction = await extractor.extract(await readFile(join(folder, file)));
      const face = centralFace(extraction);
      photos[i] = {
        person: file.slice(0, file.indexOf('/')),
        file,
        embedding: face?.embedding ?? null,
        faces: extraction.faces.length,
        quality: face?.quality.score ?? 0,
      };
      onPhoto(++done);
    }
  };
  await Promise.all(Array.from({ length: 4 }, work));
  return photos;
}

/** The face whose box's centre is nearest to the photo's: bystanders are common. */
export function centralFace({ image, faces }: Extraction): ExtractedFace | undefined {
  const distance = ({ box }: ExtractedFace) =>
    Math.hypot(box.left + box.width / 2 - image.width / 2, box.top + box.height / 2 - image.height / 2);
  return faces.toSorted((a, b) => distance(a) - distance(b))[0];
}

export function cosine(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
}
