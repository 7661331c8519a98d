import { readdir, stat } from 'node:fs/promises';
import { extname, join } from 'node:path';

/** A person, from the name of a folder. */
interface NamedPerson {
  readonly externalId: string;
  readonly name: string;
}

/** A picture to enrol. */
export interface Photo {
  /** Relative to the imported folder, with `/` as separator. */
  readonly path: string;
  readonly bytes: number;
  /** Milliseconds since the epoch, whole. */
  readonly modifiedAt: number;
  /** null: the photo is not in the folder of a person. */
  readonly person: NamedPerson | null;
}

export interface Folder {
  /** First the photos directly in the folder, then those of each subfolder, sorted by name. */
  readonly photos: readonly Photo[];
  /** Number of folders that name a person. */
  readonly people: number;
  /** Relative paths of skipped files: their names are not those of pictures. */
  readonly skipped: readonly string[];
}

/** The folder cannot be imported; the message says why. */
export class FolderError extends Error {
  override readonly name = 'FolderError';
}

const pictureEndings = new Set(['.jpg', '.jpeg', '.png', '.webp', '.gif', '.avif', '.tif', '.tiff', '.heic', '.heif']);

/**
 * Lists the pictures of `root`. A picture in `<name>/`, at any depth, belongs to that person. A picture directly in `root` belongs to no
 * person. Hidden files and folders are ignored and not reported. Errors: FolderError.
 */
export async function scanFolder(root: string): Promise<Folder> {
  const { files, folders } = await entriesOf(root);
  const photos: Photo[] = [];
  const skipped: string[] = [];
  for (const file of files) await look(root, file, null, photos, skipped);
  const byExternalId = new Map<string, string>();
  for (const folder of folders) {
    const person = { externalId: slugOf(folder), name: nameOf(folder) };
    const twin = byExternalId.get(person.externalId);
    if (person.externalId === '')
      throw new FolderError(`The folder ${folder} has no letter or digit for an external_id. Rename it.`);
    if (twin !== undefined)
      throw new FolderError(
        `The folders ${twin} and ${folder} both give the external_id ${person.externalId}. Rename one of them.`,
      );
    byExternalId.set(person.externalId, folder);
    await lookInside(root, folder, person, photos, skipped);
  }
  return { photos, people: folders.length, skipped };
}

/** `Ana_María Ωmega` becomes `ana-maria-ωmega`: lower case, without accents, at most 128 characters. */
export function slugOf(folder: string): string {
  return folder
    .normalize('NFKD')
    .replace(/\p{M}/gu, '')
    .toLowerCase()
    .normalize('NFC')
    .replace(/[^\p{L}\p{N}]+/gu, '-')
    .slice(0, 128)
    .replace(/^-+|-+$/g, '');
}

/** `Ana_María` becomes `Ana María`. */
const nameOf = (folder: string): string => folder.normalize('NFC').replaceAll('_', ' ').trim();

async function lookInside(
  root: string,
  folder: string,
  person: NamedPerson,
  photos: Photo[],
  skipped: string[],
): Promise<void> {
  const { files, folders } = await entriesOf(join(root, folder));
  for (const file of files) await look(root, `${folder}/${file}`, person, photos, skipped);
  for (const inner of folders) await lookInside(root, `${folder}/${inner}`, person, photos, skipped);
}

async function look(
  root: string,
  path: string,
  person: NamedPerson | null,
  photos: Photo[],
  skipped: string[],
): Promise<void> {
  if (!pictureEndings.has(extname(path).toLowerCase())) {
    skipped.push(path);
    return;
  }
  const { size, mtimeMs } = await stat(join(root, path));
  photos.push({ path, bytes: size, modifiedAt: Math.floor(mtimeMs), person });
}

/** Names in order. A link to a file counts as a file. A link to a folder is not followed, because it could form a loop. */
async function entriesOf(folder: string): Promise<{ files: string[]; folders: string[] }> {
  const entries = await readdir(folder, { withFileTypes: true });
  const files: string[] = [];
  const folders: string[] = [];
  for (const entry of entries.toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
    if (entry.name.startsWith('.')) continue;
    if (entry.isDirectory()) folders.push(entry.name);
    else if (entry.isFile() || (entry.isSymbolicLink() && (await isFile(join(folder, entry.name)))))
      files.push(entry.name);
  }
  return { files, folders };
}

async function isFile(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isFile(),
    () => false,
  );
}
