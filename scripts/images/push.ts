import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Image, Layout } from './layout.ts';
import { nameIn } from './pins.ts';
import { registryTool } from './tool.ts';

/** Pushes each image as `prefix/function:version`. The bytes do not change, so the digest does not change. */
export async function push(layout: Layout, images: readonly Image[], prefix: string): Promise<void> {
  for (const { name, manifest } of images) {
    const target = `${nameIn(prefix, name)}:${name.split(':').at(-1)}`;
    // Both programs need a layout with only this image.
    const folder = await mkdtemp(join(tmpdir(), 'freeface-push-'));
    try {
      await symlink(join(layout.folder, 'blobs'), join(folder, 'blobs'));
      await writeFile(join(folder, 'oci-layout'), JSON.stringify({ imageLayoutVersion: '1.0.0' }));
      await writeFile(join(folder, 'index.json'), JSON.stringify({ schemaVersion: 2, manifests: [manifest] }));
      registryTool({
        crane: ['push', folder, target],
        skopeo: ['copy', '--preserve-digests', `oci:${folder}`, `docker://${target}`],
      });
    } finally {
      await rm(folder, { recursive: true });
    }
    process.stderr.write(`pushed ${target}@${manifest.digest}\n`);
  }
}
