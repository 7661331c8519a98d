import { createHash } from 'node:crypto';
import { closeSync, fsyncSync, openSync, readFileSync, writeSync } from 'node:fs';
import { dirname, join } from 'node:path';
import * as z from 'zod';
import { makeFolder } from '../../shared/adapters/embedded/private-files.ts';
import { isLoopback } from '../../shared/domain/outside-issuer.ts';
import { type Outcome, outcomeSchema } from './outcome.ts';
import { FolderError, type Photo } from './scan.ts';

/**
 * The results of earlier runs and of this run.
 *
 * [Note: The import's journal]
 * The journal has one line of JSON for each photo. The line is appended when the server has answered. So a kill at any moment loses at
 * most the results of the photos that were being sent, and the server gives these photos the same ids again. A photo is recognised by its
 * path, size, time of change and external id; when one of them changes, the photo is sent again. The journal is in the data folder, not
 * next to the photos: the photos may be read-only, and deleting the data folder must delete the journal as well.
 */
export interface Journal {
  readonly file: string;
  /** The outcome of this photo in an earlier run; undefined when it has none, has failed, or has changed since. */
  find(photo: Photo): Outcome | undefined;
  /** Writes the outcome before it returns. Does not record failures. */
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

/**
 * Path of the journal for this folder and this server. `root` is absolute. All ports of this machine count as one server, the one of the
 * data folder. Any other server is identified by its address.
 */
export function journalFile(dataDir: string, root: string, url: string): string {
  const server = isLoopback(new URL(url).hostname) ? 'local' : url;
  const key = createHash('sha256').update(`${server}\n${root}`).digest('hex').slice(0, 16);
  return join(dataDir, 'imports', `${key}.jsonl`);
}

/** Reads the journal; its last line may be incomplete. `forget` ignores earlier results. Errors: FolderError when it cannot be written. */
export function openJournal(file: string, { forget = false }: { readonly forget?: boolean } = {}): Journal {
  const handle = openToAppend(file);
  const text = readFileSync(handle, 'utf8');
  const known = new Map<string, Line>();
  for (const line of forget ? [] : text.split('\n')) {
    const parsed = parseLine(line);
    if (parsed) known.set(parsed.path, parsed);
  }
  // A run that was killed during a write leaves an incomplete line.
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
      `The journal ${file} cannot be written (${reason}). Set FREEFACE_DATA to the server's data folder, or use --journal FILE.`,
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
