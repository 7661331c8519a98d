import { createReadStream, existsSync } from 'node:fs';
import { chmod, mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { createGunzip } from 'node:zlib';
import { extract } from 'tar-stream';
import type { Base } from './base.ts';
import { architecture, type Descriptor, type Layer, type Layout } from './layout.ts';
import { registryTool } from './tool.ts';

interface Manifest {
  readonly config: Descriptor;
  readonly layers: readonly Descriptor[];
}

interface Index {
  readonly manifests: readonly (Descriptor & {
    readonly platform?: { readonly architecture: string; readonly os: string };
  })[];
}

/**
 * Uses an image as the base. `source` is a folder in OCI's layout, or the name of an image to fetch. Throws an Error if the entry
 * point of the image is not node, or if there is no image for this machine's architecture.
 */
export async function baseOfLayout(source: string, layout: Layout): Promise<Base> {
  const folder = existsSync(join(source, 'index.json')) ? source : await fetchImage(source);
  const read = async <Value>({ digest }: Descriptor) =>
    JSON.parse(await readFile(blob(folder, digest), 'utf8')) as Value;
  let { manifests } = JSON.parse(await readFile(join(folder, 'index.json'), 'utf8')) as Index;
  while (manifests[0]?.mediaType.includes('index') || manifests[0]?.mediaType.includes('list')) {
    ({ manifests } = await read<Index>(manifests[0]));
  }
  const chosen = manifests.find(({ platform }) => platform === undefined || platform.architecture === architecture);
  if (chosen === undefined)
    throw new Error(`${source} has no image for ${architecture}; name another base with --base`);
  const manifest = await read<Manifest>(chosen);
  const { config, rootfs } = await read<{ config: { Entrypoint?: string[] }; rootfs: { diff_ids: string[] } }>(
    manifest.config,
  );
  const node = config.Entrypoint?.[0];
  if (node === undefined || basename(node) !== 'node')
    throw new Error(`${source} does not start node: its entry point must be node`);
  const layers: Layer[] = [];
  for (const [i, descriptor] of manifest.layers.entries()) {
    layers.push(await layout.adoptLayer(blob(folder, descriptor.digest), descriptor, rootfs.diff_ids[i]!));
  }
  return {
    layers,
    node,
    nodeHere: await programIn(folder, manifest.layers, node),
    labels: {
      'org.opencontainers.image.base.name': source,
      'org.opencontainers.image.base.digest': chosen.digest,
    },
    parts: [{ name: source, version: chosen.digest }],
  };
}

const blob = (folder: string, digest: string): string => join(folder, 'blobs', digest.replace(':', '/'));

async function fetchImage(name: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'freeface-base-'));
  registryTool({
    crane: ['pull', '--format=oci', name, folder],
    skopeo: ['copy', '--multi-arch=all', `docker://${name}`, `oci:${folder}`],
  });
  return folder;
}

/** Extracts a program from an image, to run it here. A code cache is only valid for the node that made it. */
async function programIn(folder: string, layers: readonly Descriptor[], path: string): Promise<string> {
  for (const { mediaType, digest } of layers.toReversed()) {
    const archive = extract();
    const stream = createReadStream(blob(folder, digest));
    (/gzip$/.test(mediaType) ? stream.pipe(createGunzip()) : stream).pipe(archive);
    for await (const entry of archive) {
      if (entry.header.name.replace(/^\.?\//, '') !== path.slice(1)) {
        entry.resume();
        continue;
      }
      if (entry.header.linkname)
        return programIn(folder, layers, new URL(entry.header.linkname, `file://${path}`).pathname);
      const chunks: Buffer[] = [];
      for await (const chunk of entry) chunks.push(chunk as Buffer);
      const at = await mkdtemp(join(tmpdir(), 'freeface-node-'));
      await writeFile(join(at, 'node'), Buffer.concat(chunks));
      await chmod(join(at, 'node'), 0o755);
      return join(at, 'node');
    }
  }
  throw new Error(`the base image has no file ${path}`);
}
