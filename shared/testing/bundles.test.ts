import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Metafile } from 'esbuild';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildFunctions, functionNames } from '../../esbuild.config.mjs';
import { functions } from '../../functions/registry.gen.ts';
import { adapterFiles, budgetOf, driversOf } from './bundle-rules.ts';

describe('the bundles', () => {
  let outdir: string;
  let bundles: Awaited<ReturnType<typeof buildFunctions>>;

  beforeAll(async () => {
    // Inside the repository, so that what is built could run from where it lies.
    outdir = await mkdtemp(join(process.cwd(), '.build-test-'));
    bundles = await buildFunctions(await functionNames(), outdir);
  });
  afterAll(() => rm(outdir, { recursive: true, force: true }));

  it('When all functions are built, then each has its bundle', () => {
    expect(bundles.map(({ name }) => name)).toEqual(functions.map(({ manifest }) => manifest.name));
  });

  it('When a function declares its ports, then its bundle opens those and no other', () => {
    for (const { name, ports, metafile } of bundles) {
      expect({ name, adapters: adapterFiles(metafile) }).toEqual({ name, adapters: [...ports].sort() });
    }
  });

  it('When a bundle holds a driver, then a declared port needs it', () => {
    for (const { name, ports, metafile } of bundles) {
      const allowed = new Set(ports.flatMap((port) => driversOf[port]));
      const foreign = driversIn(metafile).filter((driver) => !allowed.has(driver));
      expect({ name, foreign }).toEqual({ name, foreign: [] });
    }
  });

  it('When a bundle is built, then it keeps within its budget', () => {
    const over = bundles.flatMap(({ name, ports, metafile }) => {
      const bytes = bytesOf(metafile);
      return bytes > budgetOf(ports) ? [`${name}: ${bytes} of ${budgetOf(ports)} bytes`] : [];
    });

    expect(over).toEqual([]);
  });
});

/** Code; the API page's description is data. */
const bytesOf = ({ outputs }: Metafile): number =>
  Object.entries(outputs)
    .filter(([file]) => file.endsWith('.js'))
    .reduce((sum, [, { bytes, inputs }]) => sum + bytes - dataIn(inputs), 0);

const dataIn = (inputs: Metafile['outputs'][string]['inputs']): number =>
  Object.entries(inputs).reduce(
    (sum, [file, { bytesInOutput }]) => (file.endsWith('.json') ? sum + bytesInOutput : sum),
    0,
  );

const allDrivers = new Set(Object.values(driversOf).flat());

/** Packages that are bundled or imported from outside. */
function driversIn({ inputs, outputs }: Metafile): string[] {
  const bundled = Object.keys(inputs).flatMap((path) => /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path)?.[1] ?? []);
  const external = Object.values(outputs).flatMap((output) =>
    output.imports.filter((each) => each.external).map(({ path }) => path),
  );
  return [...new Set([...bundled, ...external])].filter((name) => allDrivers.has(name)).sort();
}
