import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { basename, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type BuildOptions, build } from 'esbuild';

/**
 * Bundles a program of this folder for a process of its own, inside the repository (`.build`) so that it finds its packages.
 * `root`: the repository.
 */
export async function bundleChild(name: string, root = process.cwd()): Promise<{ file: string; dispose(): void }> {
  const folder = join(root, '.build');
  mkdirSync(folder, { recursive: true });
  const outdir = mkdtempSync(join(folder, `${basename(name)}-`));
  // From where it lies, also when this is part of a bundle itself; and a copy, since the one that runs a script waits for its end.
  const { href } = pathToFileURL(join(root, 'esbuild.config.mjs'));
  const { common } = (await import(`${href}?copy`)) as { common: BuildOptions };
  await build({
    ...common,
    entryPoints: [join(root, 'shared/testing', `${name}.ts`)],
    outdir,
    entryNames: '[name]',
  });
  return {
    file: join(outdir, `${basename(name)}.js`),
    dispose: () => rmSync(outdir, { recursive: true, force: true }),
  };
}
