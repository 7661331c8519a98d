import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { EmbeddingPurpose, ExtractedFace, Extraction, Extractor } from '../../shared/ports/extractor.ts';

/** A photo of one person: what was made of the face nearest its centre, null when no face was found. */
export interface PersonPhoto {
  readonly person: string;
  /** `<person>/<file>`. */
  readonly file: string;
  /** As it is looked up, and as it is kept. */
  readonly probe: Float32Array | null;
  readonly template: Float32Array | null;
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

export interface EmbeddedPeople {
  readonly photos: readonly PersonPhoto[];
  /** Photos a CPU second of this process, from bytes to embeddings. */
  readonly probesPerCpuSecond: number;
  readonly templatesPerCpuSecond: number;
}

/** Embeds them all as probes and then as templates, two at a time for each thread of the extractor. `onPhoto` is told after each. */
export async function embedPeople(
  extractor: Extractor,
  folder: string,
  files: readonly string[],
  onPhoto: (done: number, of: number) => void = () => {},
): Promise<EmbeddedPeople> {
  let done = 0;
  const embedAll = async (purpose: EmbeddingPurpose) => {
    const extractions: { face: ExtractedFace | undefined; faces: number }[] = [];
    const before = process.cpuUsage();
    let next = 0;
    const work = async () => {
      for (let i = next++; i < files.length; i = next++) {
        const extraction = await extractor.extract(await readFile(join(folder, files[i]!)), { purpose });
        extractions[i] = { face: centralFace(extraction), faces: extraction.faces.length };
        onPhoto(++done, 2 * files.length);
      }
    };
    await Promise.all(Array.from({ length: 4 }, work));
    const { user, system } = process.cpuUsage(before);
    return { extractions, perCpuSecond: files.length / ((user + system) / 1e6) };
  };
  const probes = await embedAll('probe');
  const templates = await embedAll('template');
  const photos = files.map((file, i) => {
    const { face, faces } = probes.extractions[i]!;
    const probe = face?.embedding ?? null;
    const template = templates.extractions[i]!.face?.embedding ?? null;
    return {
      person: file.slice(0, file.indexOf('/')),
      file,
      probe,
      template,
      faces,
      quality: face?.quality.score ?? 0,
    };
  });
  return { photos, probesPerCpuSecond: probes.perCpuSecond, templatesPerCpuSecond: templates.perCpuSecond };
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
