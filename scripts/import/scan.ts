import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { externalId } from '../../shared/api/gallery.ts';
import { type FolderPerson, isImagePath, personOfPath } from '../../shared/domain/uploads.ts';

/** A picture to enrol. */
export interface Photo {
  /** Relative to the imported folder, with `/` as separator. */
  readonly path: string;
  readonly bytes: number;
  /** Milliseconds since the epoch, whole. */
  readonly modifiedAt: number;
  /** null: the photo is not in the folder of a person. */
  readonly person: FolderPerson | null;
}

export interface Folder {
  /** First the photos directly in the folder, then those of each subfolder, sorted by name. */
  readonly photos: readonly Photo[];
  /** Number of people that the folders name. */
  readonly people: number;
  /** Folders that cannot be imported, as `folder  reason`. The others are imported. */
  readonly problems: readonly string[];
  /** Relative paths of skipped files: their names are not those of pictures. */
  readonly skipped: readonly string[];
}

/** The folder cannot be imported; the message says why. */
export class FolderError extends Error {
  override readonly name = 'FolderError';
}

/**
 * Lists the pictures of `root`. A picture in `<name>/`, at any depth, belongs to that person. A picture directly in `root` belongs to no
 * person. Hidden files and folders are ignored and not reported. A folder that cannot be imported does not stop the others. Errors: Error
 * when `root` itself cannot be read. See: [Note: One rule from folder to person]
 */
export async function scanFolder(root: string): Promise<Folder> {
  const { files, folders } = await entriesOf(root);
  const photos: Photo[] = [];
  const skipped: string[] = [];
  const problems: string[] = [];
  const people = new Set<string>();
  for (const file of files) await look(root, file, null, photos, skipped);
  for (const folder of folders) {
    const person = personOfPath(`${folder}/`)!;
    const issue = externalId.safeParse(person.externalId).error?.issues[0]?.message;
    const inside: Photo[] = [];
    const problem =
      issue === undefined ? await problemOf(() => lookInside(root, folder, person, inside, skipped)) : issue;
    if (problem !== null)
      problems.push(`${folder}  ${issue === undefined ? problem : `the name ${problem}; rename the folder`}`);
    if (issue !== undefined) continue;
    people.add(person.externalId);
    photos.push(...inside);
  }
  return { photos, people: people.size, skipped, problems };
}

/** The reason why a folder cannot be read; null when it can. Photos found before the failure count. */
async function problemOf(read: () => Promise<void>): Promise<string | null> {
  return read().then(
    () => null,
    (error: unknown) => (error instanceof Error ? error.message : String(error)),
  );
}

async function lookInside(
  root: string,
  folder: string,
  person: FolderPerson,
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
  person: FolderPerson | null,
  photos: Photo[],
  skipped: string[],
): Promise<void> {
  if (!isImagePath(path)) {
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
