import type { Metafile } from 'esbuild';
import type { PortName } from '../ports/index.ts';

export type Mode = 'embedded' | 'distributed';

/** Too large for every budget; it is loaded with its adapter, when the port is opened. */
const milvus = { driver: '@zilliz/milvus2-sdk-node', adapter: 'shared/adapters/distributed/vectors.ts' };

/** Packages that a port needs, in either mode. Only the bundle of a function that declares the port may contain them. */
export const driversOf: Readonly<Record<PortName, readonly string[]>> = {
  records: ['libsql', 'cassandra-driver'],
  vectors: ['libsql', 'usearch', milvus.driver],
  images: ['@aws-sdk/client-s3', '@aws-sdk/s3-request-presigner'],
  events: ['libsql', 'kafkajs'],
  cache: ['libsql', 'lru-cache', 'ioredis'],
  accounts: ['libsql', 'cassandra-driver'],
  audit: ['libsql', 'cassandra-driver'],
  uploads: ['chokidar', '@aws-sdk/client-s3'],
  webhooks: ['libsql', 'cassandra-driver'],
  extractor: ['sharp', 'onnxruntime-node', 'exifr'],
};

const kilobyte = 1000;

/**
 * Size that a driver may add to a function, by the ports that need it. Measured: S3 0.34 MB, kafkajs 0.29, ioredis 0.21. A driver is
 * loaded when its port is opened.
 */
const driverBudgets: readonly { readonly of: readonly PortName[]; readonly kilobytes: number }[] = [
  { of: ['images', 'uploads'], kilobytes: 370 },
  { of: ['events'], kilobytes: 300 },
  { of: ['cache'], kilobytes: 220 },
  { of: ['records', 'accounts', 'audit', 'webhooks'], kilobytes: 420 },
  // sharp and onnxruntime are not bundled; exifr is 0.08 MB.
  { of: ['extractor'], kilobytes: 120 },
];

/** Bytes of JavaScript that a function may have, by the ports it opens. */
export function budgetOf(ports: readonly PortName[], mode: Mode): number {
  if (ports.length === 0) return 300 * kilobyte;
  if (mode === 'embedded') return 800 * kilobyte;
  const drivers = driverBudgets.filter(({ of }) => of.some((port) => ports.includes(port)));
  // Measured without drivers: up to 453 kB for an enrolment, with the marks of erased persons and the kept security state.
  return drivers.reduce((sum, { kilobytes }) => sum + kilobytes, 460) * kilobyte;
}

/** The embedded adapter of the extractor; the distributed one opens it where no address of a service is set. */
const inProcessExtractor = 'shared/adapters/in-process-extractor.ts';

/** The ports whose adapters for `mode` are in a bundle, sorted. */
export const adapterFiles = ({ inputs }: Pick<Metafile, 'inputs'>, mode: Mode): string[] =>
  Object.keys(inputs)
    .flatMap((path) => {
      if (path === inProcessExtractor) return mode === 'embedded' ? ['extractor'] : [];
      const [, engine, name] = /^shared\/adapters\/(embedded|distributed)\/([a-z]+)\.ts$/.exec(path) ?? [];
      return engine === mode && name !== undefined && name in driversOf ? [name] : [];
    })
    .sort();

/** Bytes of JavaScript that a process in `mode` can load, without data and without the Milvus client. */
export function bytesOf({ outputs }: Pick<Metafile, 'outputs'>, mode: Mode): number {
  const other = mode === 'embedded' ? 'distributed' : 'embedded';
  const reached = new Set<string>();
  const follow = (file: string): void => {
    const output = outputs[file];
    if (output === undefined || reached.has(file)) return;
    reached.add(file);
    for (const { path, kind } of output.imports) {
      const entry = kind === 'dynamic-import' ? (outputs[path]?.entryPoint ?? '') : '';
      const isOfOther = new RegExp(`^shared/adapters/${other}/(${Object.keys(driversOf).join('|')})\\.ts$`).test(entry);
      if (!isOfOther && entry !== milvus.adapter) follow(path);
    }
  };
  for (const [file, { entryPoint }] of Object.entries(outputs)) if (entryPoint?.endsWith('.entry.ts')) follow(file);
  return [...reached].reduce((sum, file) => sum + outputs[file]!.bytes - dataIn(outputs[file]!.inputs), 0);
}

/** JSON files, such as the API description, are data. */
const dataIn = (inputs: Metafile['outputs'][string]['inputs']): number =>
  Object.entries(inputs).reduce(
    (sum, [file, { bytesInOutput }]) => (file.endsWith('.json') ? sum + bytesInOutput : sum),
    0,
  );
