import { existsSync } from 'node:fs';
import { copyFile, mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { constants, gunzipSync, gzipSync } from 'node:zlib';
import { sha256 } from './layer.ts';

/** OCI's description of a blob. */
export interface Descriptor {
  readonly mediaType: string;
  /** `sha256:…` */
  readonly digest: string;
  /** Bytes. */
  readonly size: number;
}

export interface Layer extends Descriptor {
  /** Digest of the uncompressed archive. */
  readonly diffId: string;
  /** Bytes of the uncompressed archive. */
  readonly unpacked: number;
}

export interface Image {
  /** Name with tag. */
  readonly name: string;
  readonly manifest: Descriptor;
  readonly configuration: Descriptor;
  readonly layers: readonly Layer[];
}

export const blobsOf = ({ manifest, configuration, layers }: Image): Descriptor[] => [
  manifest,
  configuration,
  ...layers,
];

/** A folder in OCI's image layout. Images share equal layers. */
export interface Layout {
  readonly folder: string;
  addLayer(tar: Buffer): Promise<Layer>;
  /** Copies a layer of another image unchanged. */
  adoptLayer(file: string, descriptor: Descriptor, diffId: string): Promise<Layer>;
  addImage(
    name: string,
    layers: readonly Layer[],
    config: object,
    labels: Readonly<Record<string, string>>,
  ): Promise<Image>;
  /** Writes the list of images. It replaces the previous list. */
  writeIndex(images: readonly Image[]): Promise<void>;
}

/** OCI's name of this machine's architecture. */
export const architecture = process.arch === 'x64' ? 'amd64' : process.arch;

/** Opens or creates the layout in `folder`. Existing blobs are not written again. */
export async function openLayout(folder: string): Promise<Layout> {
  const blobs = join(folder, 'blobs', 'sha256');
  await mkdir(blobs, { recursive: true });
  await writeFile(join(folder, 'oci-layout'), JSON.stringify({ imageLayoutVersion: '1.0.0' }));

  async function addBlob(mediaType: string, bytes: Buffer): Promise<Descriptor> {
    const digest = sha256(bytes);
    await writeWhole(join(blobs, digest), bytes);
    return { mediaType, digest: `sha256:${digest}`, size: bytes.length };
  }

  const addJson = (mediaType: string, value: unknown) => addBlob(mediaType, Buffer.from(JSON.stringify(value)));

  return {
    folder,

    async addLayer(tar) {
      const diffId = sha256(tar);
      // To compress a hundred megabytes takes seconds, and every build has the same archives. So the result is remembered.
      const note = join(folder, 'compressed', diffId);
      const known = await readFile(note, 'utf8').catch(() => null);
      if (known !== null) {
        const layer = JSON.parse(known) as Layer;
        if (existsSync(join(blobs, layer.digest.slice('sha256:'.length)))) return layer;
      }
      const level = tar.length > 1e6 ? constants.Z_DEFAULT_COMPRESSION : constants.Z_BEST_COMPRESSION;
      const blob = await addBlob('application/vnd.oci.image.layer.v1.tar+gzip', gzipSync(tar, { level }));
      const layer = { ...blob, diffId: `sha256:${diffId}`, unpacked: tar.length };
      await mkdir(join(folder, 'compressed'), { recursive: true });
      await writeWhole(note, Buffer.from(JSON.stringify(layer)));
      return layer;
    },

    async adoptLayer(file, { mediaType, digest, size }, diffId) {
      await copyFile(file, join(blobs, digest.slice('sha256:'.length)));
      const unpacked = /gzip$/.test(mediaType) ? gunzipSync(await readFile(file)).length : size;
      // Docker's media types of layers are the same as OCI's under other names.
      const ours = `application/vnd.oci.image.layer.v1.tar${/gzip$/.test(mediaType) ? '+gzip' : ''}`;
      return { mediaType: ours, digest, size, diffId, unpacked };
    },

    async addImage(name, layers, config, labels) {
      const configuration = await addJson('application/vnd.oci.image.config.v1+json', {
        architecture,
        os: 'linux',
        config: { ...config, Labels: labels },
        rootfs: { type: 'layers', diff_ids: layers.map(({ diffId }) => diffId) },
      });
      const manifest = await addJson('application/vnd.oci.image.manifest.v1+json', {
        schemaVersion: 2,
        mediaType: 'application/vnd.oci.image.manifest.v1+json',
        config: configuration,
        layers: layers.map(({ mediaType, digest, size }) => ({ mediaType, digest, size })),
        annotations: labels,
      });
      return { name, manifest, configuration, layers };
    },

    async writeIndex(images) {
      const index = {
        schemaVersion: 2,
        mediaType: 'application/vnd.oci.image.index.v1+json',
        manifests: images.map(({ name, manifest }) => ({
          ...manifest,
          platform: { architecture, os: 'linux' },
          annotations: { 'io.containerd.image.name': name, 'org.opencontainers.image.ref.name': name },
        })),
      };
      await writeWhole(join(folder, 'index.json'), Buffer.from(JSON.stringify(index, null, 2)));
    },
  };
}

/** Writes a file in one step, so that no reader sees a part of it. Keeps an existing file, except index.json. */
async function writeWhole(path: string, bytes: Buffer): Promise<void> {
  if (existsSync(path) && !path.endsWith('index.json')) return;
  await writeFile(`${path}.part`, bytes);
  await rename(`${path}.part`, path);
}
