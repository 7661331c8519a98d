import type { PortName } from '../../shared/ports/index.ts';
import type { Base } from './base.ts';
import type { Image, Layer } from './layout.ts';

/** Compressed bytes that the image of a light function may add to the base. */
export const lightBudget = 2_000_000;

/** Whether a function has no networks, no image library and no Milvus client. That client is as large as everything else together. */
export const isLight = (ports: readonly PortName[]): boolean => !ports.some((port) => heavy.includes(port));
const heavy: readonly PortName[] = ['extractor', 'vectors'];

/** Returns a line for each image of a light function that is over the budget. */
export const overBudget = (images: readonly Image[], base: Pick<Base, 'layers'>): string[] =>
  images.flatMap(({ name, layers }) => {
    const added = sizeOf(addedTo(base, layers));
    return added > lightBudget
      ? [
          `${name} adds ${megabytes(added).trim()} to the base; a light function may add ${megabytes(lightBudget).trim()}.`,
        ]
      : [];
  });

/** Returns a table of the sizes that each image adds to the base: compressed, as a node fetches it, and unpacked, as a node stores it. */
export function report(images: readonly Image[], base: Base): string {
  const row = (name: string, layers: readonly Layer[], more = '') =>
    `${name.padEnd(32)} ${megabytes(sizeOf(layers))} ${megabytes(layers.reduce((sum, { unpacked }) => sum + unpacked, 0))}  ${more}\n`;
  const all = new Map(images.flatMap(({ layers }) => layers.map((layer) => [layer.digest, layer])));
  return [
    `${''.padEnd(32)} ${'fetched'.padStart(9)} ${'unpacked'.padStart(9)}\n`,
    row('base', base.layers),
    ...images.map(({ name, layers, manifest }) =>
      row(`+ ${/([^/]+):[^:]+$/.exec(name)?.[1]}`, addedTo(base, layers), manifest.digest),
    ),
    row('all together', [...all.values()]),
  ].join('');
}

const addedTo = (base: Pick<Base, 'layers'>, layers: readonly Layer[]): Layer[] =>
  layers.filter(({ digest }) => base.layers.every((below) => below.digest !== digest));

const sizeOf = (layers: readonly Layer[]): number => layers.reduce((sum, { size }) => sum + size, 0);

const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(2)} MB`.padStart(9);
