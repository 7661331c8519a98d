import type { Base } from './base.ts';
import type { Image, Layer } from './layout.ts';

/** What each image adds to the base, compressed as it is fetched and unpacked as it lies on a node. */
export function report(images: readonly Image[], base: Base): string {
  const row = (name: string, layers: readonly Layer[], more = '') =>
    `${name.padEnd(32)} ${megabytes(layers.reduce((sum, { size }) => sum + size, 0))} ${megabytes(layers.reduce((sum, { unpacked }) => sum + unpacked, 0))}  ${more}\n`;
  const below = new Set(base.layers.map(({ digest }) => digest));
  const all = new Map(images.flatMap(({ layers }) => layers.map((layer) => [layer.digest, layer])));
  return [
    `${''.padEnd(32)} ${'fetched'.padStart(9)} ${'unpacked'.padStart(9)}\n`,
    row('base', base.layers),
    ...images.map(({ name, layers, manifest }) =>
      row(
        `+ ${/([^/]+):[^:]+$/.exec(name)?.[1]}`,
        layers.filter(({ digest }) => !below.has(digest)),
        manifest.digest,
      ),
    ),
    row('all together', [...all.values()]),
  ].join('');
}

const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(2)} MB`.padStart(9);
