import { createReadStream, createWriteStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { pack } from 'tar-stream';
import { blobsOf, type Image, type Layout } from './layout.ts';

/** Writes images of a layout as one archive. Shared blobs are written once. */
export async function writeArchive(layout: Layout, images: readonly Image[], file: string): Promise<void> {
  const archive = pack();
  const written = pipeline(archive, createWriteStream(file));
  const paths = new Set([
    'oci-layout',
    'index.json',
    ...images.flatMap((image) => blobsOf(image).map(({ digest }) => `blobs/${digest.replace(':', '/')}`)),
  ]);
  for (const name of paths) {
    const path = join(layout.folder, name);
    const { size } = await stat(path);
    await pipeline(createReadStream(path), archive.entry({ name, size, mode: 0o644, mtime: new Date(0) }));
  }
  archive.finalize();
  await written;
}
