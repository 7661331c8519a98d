import type { PortName } from '../../shared/ports/index.ts';
import type { Base } from './base.ts';
import type { Image, Layer } from './layout.ts';

/** Bytes that the image of a light function may add to the base, compressed as they are fetched. */
export const lightBudget = 2_000_000;

/** Whether a function has neither networks nor pictures nor Milvus' client, which is as large as all the rest together. */
export const isLight = (ports: readonly PortName[]): boolean => !ports.some((port) => heavy.includes(port));
const heavy: readonly PortName[] = ['extractor', 'vectors'];

/** What each of these images of light functions that is over its budget is to be told of. */
export const overBudget = (images: readonly Image[], base: Pick<Base, 'layers'>): string[] =>
  images.flatMap(({ name, layers }) => {
    const added = sizeOf(addedTo(base, layers));
    return added > lightBudget
      ? [
          `${name} adds ${megabytes(added).trim()} to the base; a light function may add ${megabytes(lightBudget).trim()}.`,
        ]
      : [];
  });

/** What each image adds to the base, compressed as it is fetched and unpacked as it lies on a node. */
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
