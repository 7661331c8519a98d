import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { basename, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type BuildOptions, build } from 'esbuild';

/**
 * Bundles a program of this folder, so that it can run in a separate process. The bundle is inside the repository (`.build`), where
 * it finds its packages. `root`: folder of the repository.
 */
export async function bundleChild(name: string, root = process.cwd()): Promise<{ file: string; dispose(): void }> {
  const folder = join(root, '.build');
  mkdirSync(folder, { recursive: true });
  const outdir = mkdtempSync(join(folder, `${basename(name)}-`));
  // Loaded by absolute path, because this module may itself be bundled. `?copy` loads a second copy: the first one may still wait for
  // the script that it runs.
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
