import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { EmbeddingPurpose, ExtractedFace, Extraction, Extractor } from '../../shared/ports/extractor.ts';

/** A photo of one person, with the embeddings of the face nearest to its centre. */
export interface PersonPhoto {
  readonly person: string;
  /** `<person>/<file>`. */
  readonly file: string;
  /** Embeddings for a search and for the gallery; null when no face was found. */
  readonly probe: Float32Array | null;
  readonly template: Float32Array | null;
  /** Number of faces found. */
  readonly faces: number;
  /** Quality score; 0 when no face was found. */
  readonly quality: number;
}

const picture = /\.(jpe?g|png|webp)$/i;

/** Lists the photos in a folder of people (`<folder>/<person>/<photo>`), sorted, as `<person>/<file>`. */
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
  /** Photos for each CPU second of this process, from bytes to embeddings. */
  readonly probesPerCpuSecond: number;
  readonly templatesPerCpuSecond: number;
}

/** Embeds all photos as probes and then as templates, four at a time. Calls `onPhoto` after each photo. */
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

/** The face whose box is nearest to the centre of the photo: other people are often in the background. */
export function centralFace({ image, faces }: Extraction): ExtractedFace | undefined {
  const distance = ({ box }: ExtractedFace) =>
    Math.hypot(box.left + box.width / 2 - image.width / 2, box.top + box.height / 2 - image.height / 2);
  return faces.toSorted((a, b) => distance(a) - distance(b))[0];
}
