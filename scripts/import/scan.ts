import { readdir, stat } from 'node:fs/promises';
import { extname, join } from 'node:path';

/** A folder that is a person. */
interface NamedPerson {
  readonly externalId: string;
  readonly name: string;
}

/** A picture to enrol. */
export interface Photo {
  /** Relative to the folder that is imported, with `/`. */
  readonly path: string;
  readonly bytes: number;
  /** Milliseconds since the epoch, whole. */
  readonly modifiedAt: number;
  /** null: nobody in particular. */
  readonly person: NamedPerson | null;
}

export interface Folder {
  /** Those beside the folders first, then folder by folder, in order of name. */
  readonly photos: readonly Photo[];
  /** Folders that are a person. */
  readonly people: number;
  /** Files that are no pictures by their name, relative paths. */
  readonly passedOver: readonly string[];
}

/** A folder that cannot be imported as it is; the message says why. */
export class FolderError extends Error {
  override readonly name = 'FolderError';
}

const pictureEndings = new Set(['.jpg', '.jpeg', '.png', '.webp', '.gif', '.avif', '.tif', '.tiff', '.heic', '.heif']);

/**
 * Pictures of `root`: those in `<name>/`, at any depth, are of that person; those beside the folders are of nobody in
 * particular. Hidden files and folders are passed over in silence. Throws a FolderError.
 */
export async function scanFolder(root: string): Promise<Folder> {
  const { files, folders } = await entriesOf(root);
  const photos: Photo[] = [];
  const passedOver: string[] = [];
  for (const file of files) await look(root, file, null, photos, passedOver);
  const byExternalId = new Map<string, string>();
  for (const folder of folders) {
    const person = { externalId: slugOf(folder), name: nameOf(folder) };
    const twin = byExternalId.get(person.externalId);
    if (person.externalId === '')
      throw new FolderError(`The folder ${folder} has no letter or digit to make an external_id of.`);
    if (twin !== undefined)
      throw new FolderError(`The folders ${twin} and ${folder} both give the external_id ${person.externalId}.`);
    byExternalId.set(person.externalId, folder);
    await lookInside(root, folder, person, photos, passedOver);
  }
  return { photos, people: folders.length, passedOver };
}

/** `Ana_María Ωmega` to `ana-maria-ωmega`: lower case, without marks, at most 128 characters. */
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

/** `Ana_María` to `Ana María`. */
const nameOf = (folder: string): string => folder.normalize('NFC').replaceAll('_', ' ').trim();

async function lookInside(
  root: string,
  folder: string,
  person: NamedPerson,
  photos: Photo[],
  passedOver: string[],
): Promise<void> {
  const { files, folders } = await entriesOf(join(root, folder));
  for (const file of files) await look(root, `${folder}/${file}`, person, photos, passedOver);
  for (const inner of folders) await lookInside(root, `${folder}/${inner}`, person, photos, passedOver);
}

async function look(
  root: string,
  path: string,
  person: NamedPerson | null,
  photos: Photo[],
  passedOver: string[],
): Promise<void> {
  if (!pictureEndings.has(extname(path).toLowerCase())) {
    passedOver.push(path);
    return;
  }
  const { size, mtimeMs } = await stat(join(root, path));
  photos.push({ path, bytes: size, modifiedAt: Math.floor(mtimeMs), person });
}

/** Names in order. A link to a file is a file; a link to a folder is not followed, so that no loop is. */
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
