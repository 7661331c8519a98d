import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { AppError } from '../../errors.ts';
import { openDatabase } from './database.ts';
import { imageFiles } from './image-files.ts';
import { openKeyFile } from './key-file.ts';

/**
 * [Note: A gallery without its records]
 * Only the records say to whom a face belongs. If the records are missing but images or templates exist, a start would show an empty
 * gallery, and the cleaning jobs would delete the rest as orphans. So opening is refused before new records are created. One case is
 * allowed: a crash in the first enrolment may leave an image and empty records that are older than the image.
 */

/** For a start before `records.db` is opened. Errors: AppError STORE_UNAVAILABLE if it is missing or empty, but images or templates exist. */
export async function refuseMissingRecords(dataDir: string): Promise<void> {
  const path = join(dataDir, 'records.db');
  if (existsSync(path) && statSync(path).size > 0) return;
  if (await hasImageBefore(dataDir, Number.POSITIVE_INFINITY)) throw refusal(dataDir, 'is missing', 'images');
  if (await hasTemplates(dataDir)) throw refusal(dataDir, 'is missing', 'vectors');
}

/** For records without images, created at `madeAt`. Errors: AppError STORE_UNAVAILABLE if older images exist. */
export async function refuseForeignRecords(dataDir: string, madeAt: number): Promise<void> {
  if (await hasImageBefore(dataDir, madeAt)) throw refusal(dataDir, 'is empty', 'images');
}

async function hasImageBefore(dataDir: string, time: number): Promise<boolean> {
  for await (const { writtenAt } of imageFiles(join(dataDir, 'images'))) if (writtenAt < time) return true;
  return false;
}

/** True also if the file exists but cannot be read. */
async function hasTemplates(dataDir: string): Promise<boolean> {
  const path = join(dataDir, 'vectors', 'templates.db');
  if (!existsSync(path)) return false;
  try {
    const { secret } = await openKeyFile(join(dataDir, 'vectors.key'), async () => true);
    const templates = openDatabase(path, { encryptionKey: secret.toString('hex'), readOnly: true });
    try {
      return templates.get('SELECT 1 FROM templates LIMIT 1') !== undefined;
    } finally {
      templates.close();
    }
  } catch {
    return true;
  }
}

const refusal = (dataDir: string, trouble: string, folder: string): AppError =>
  new AppError('STORE_UNAVAILABLE', {
    message: `${join(dataDir, 'records.db')} ${trouble}, but ${join(dataDir, folder)} is not empty: the gallery cannot be used without its records. Restore records.db from a backup, or choose another folder with FREEFACE_DATA.`,
  });
