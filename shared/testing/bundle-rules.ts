import type { Metafile } from 'esbuild';
import type { PortName } from '../ports/index.ts';

/** Packages that come with a port; they may stand in the bundle of a function that declares it, and in no other. */
export const driversOf: Readonly<Record<PortName, readonly string[]>> = {
  records: ['libsql'],
  vectors: ['libsql', 'usearch'],
  images: [],
  events: ['libsql'],
  cache: ['lru-cache'],
  accounts: ['libsql'],
  audit: ['libsql'],
  uploads: ['chokidar'],
  webhooks: ['libsql'],
  extractor: ['sharp', 'onnxruntime-node', 'exifr'],
};

const kilobyte = 1000;

/** Bytes of JavaScript that a function may weigh, by the ports it opens. */
export function budgetOf(ports: readonly PortName[]): number {
  return (ports.length === 0 ? 300 : 800) * kilobyte;
}

/** The embedded adapters of ports that a bundle holds, by port. */
export const adapterFiles = ({ inputs }: Pick<Metafile, 'inputs'>): string[] =>
  Object.keys(inputs)
    .flatMap(
      (path) =>
        /^shared\/adapters\/embedded\/(records|vectors|images|events|cache|extractor|accounts|audit|uploads|webhooks)\.ts$/.exec(
          path,
        )?.[1] ?? [],
    )
    .sort();
