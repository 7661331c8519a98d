import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Metafile } from 'esbuild';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildFunctions, functionNames } from '../../esbuild.config.mjs';
import { functions } from '../../functions/registry.gen.ts';
import { distributedOpeners } from '../adapters/distributed/index.ts';
import { adapterFiles, budgetOf, bytesOf, driversOf } from './bundle-rules.ts';

describe('the bundles', () => {
  let outdir: string;
  let bundles: Awaited<ReturnType<typeof buildFunctions>>;

  beforeAll(async () => {
    // Inside the repository, so that a bundle could run there.
    outdir = await mkdtemp(join(process.cwd(), '.build-test-'));
    bundles = await buildFunctions(await functionNames(), outdir);
  });
  afterAll(() => rm(outdir, { recursive: true, force: true }));

  it('When all functions are built, then each function has a bundle', () => {
    expect(bundles.map(({ name }) => name)).toEqual(functions.map(({ manifest }) => manifest.name));
  });

  it('When a function declares its ports, then its bundle contains only the adapters of those ports, in either mode', () => {
    for (const { name, ports, metafile } of bundles) {
      const sorted = [...ports].sort();
      expect({ name, adapters: adapterFiles(metafile, 'embedded') }).toEqual({ name, adapters: sorted });
      expect({ name, adapters: adapterFiles(metafile, 'distributed') }).toEqual({
        name,
        adapters: sorted.filter((port) => port in distributedOpeners),
      });
    }
  });

  it('When a bundle contains a driver, then a declared port needs it', () => {
    for (const { name, ports, metafile } of bundles) {
      const allowed = new Set(ports.flatMap((port) => driversOf[port]));
      const foreign = driversIn(metafile).filter((driver) => !allowed.has(driver));
      expect({ name, foreign }).toEqual({ name, foreign: [] });
    }
  });

  it.each(['embedded', 'distributed'] as const)(
    'When a function runs in %s mode, then its bundle is within the size budget',
    (mode) => {
      const over = bundles.flatMap(({ name, ports, metafile }) => {
        const bytes = bytesOf(metafile, mode);
        return bytes > budgetOf(ports, mode) ? [`${name}: ${bytes} of ${budgetOf(ports, mode)} bytes`] : [];
      });

      expect(over).toEqual([]);
    },
  );
});

const allDrivers = new Set(Object.values(driversOf).flat());

/** Driver packages that are bundled or imported as external packages. */
function driversIn({ inputs, outputs }: Metafile): string[] {
  const bundled = Object.keys(inputs).flatMap((path) => /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path)?.[1] ?? []);
  const external = Object.values(outputs).flatMap((output) =>
    output.imports.filter((each) => each.external).map(({ path }) => path),
  );
  return [...new Set([...bundled, ...external])].filter((name) => allDrivers.has(name)).sort();
}
