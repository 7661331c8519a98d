import { createHash } from 'node:crypto';
import { closeSync, fsyncSync, openSync, readFileSync, writeSync } from 'node:fs';
import { dirname, join } from 'node:path';
import * as z from 'zod';
import { makeFolder } from '../../shared/adapters/embedded/private-files.ts';
import { type Outcome, outcomeSchema } from './outcome.ts';
import { FolderError, type Photo } from './scan.ts';

/**
 * What earlier runs have done, and this one does.
 *
 * [Note: The import's journal]
 * One line of JSON a photo, appended when the server has answered, so a kill at any moment costs at most the photos under way;
 * the server gives those the same ids again. A photo is known by its path, size and time of change: one that was changed is
 * sent again. The journal lies in the data folder, not among the photos: they may be read-only, and a gallery that is thrown
 * away takes its journal along.
 */
export interface Journal {
  readonly file: string;
  /** The outcome of this very file in an earlier run; undefined when it has none, has failed, or was changed since. */
  find(photo: Photo): Outcome | undefined;
  /** Written before the call returns. Failures are not kept. */
  add(photo: Photo, outcome: Outcome): void;
  close(): void;
}

const lineSchema = z.object({
  path: z.string(),
  bytes: z.number(),
  modifiedAt: z.number(),
  externalId: z.string().nullable(),
  result: outcomeSchema,
});
type Line = z.infer<typeof lineSchema>;

/** Where the journal of this folder on this server lies. `root` is absolute. */
export function journalFile(dataDir: string, root: string, url: string): string {
  const key = createHash('sha256').update(`${url}\n${root}`).digest('hex').slice(0, 16);
  return join(dataDir, 'imports', `${key}.jsonl`);
}

/** Reads what is there, however its last line ended. `forget` starts with nothing known. Throws a FolderError when it cannot be written. */
export function openJournal(file: string, { forget = false }: { readonly forget?: boolean } = {}): Journal {
  const handle = openToAppend(file);
  const text = readFileSync(handle, 'utf8');
  const known = new Map<string, Line>();
  for (const line of forget ? [] : text.split('\n')) {
    const parsed = parseLine(line);
    if (parsed) known.set(parsed.path, parsed);
  }
  // A run that was killed while it wrote leaves half a line.
  if (text !== '' && !text.endsWith('\n')) writeSync(handle, '\n');
  return {
    file,
    find(photo) {
      const line = known.get(photo.path);
      const same =
        line?.bytes === photo.bytes &&
        line.modifiedAt === photo.modifiedAt &&
        line.externalId === (photo.person?.externalId ?? null);
      return same ? line.result : undefined;
    },
    add({ path, bytes, modifiedAt, person }, result) {
      if (result.outcome === 'failed') return;
      const line: Line = { path, bytes, modifiedAt, externalId: person?.externalId ?? null, result };
      known.set(path, line);
      writeSync(handle, `${JSON.stringify(line)}\n`);
    },
    close() {
      fsyncSync(handle);
      closeSync(handle);
    },
  };
}

function openToAppend(file: string): number {
  try {
    makeFolder(dirname(file));
    return openSync(file, 'a+', 0o600);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new FolderError(
      `The journal ${file} cannot be written (${reason}). Set FREEFACE_DATA to the server's data folder, or say --journal FILE.`,
    );
  }
}

function parseLine(line: string): Line | undefined {
  try {
    return lineSchema.parse(JSON.parse(line));
  } catch {
    return undefined;
  }
}
