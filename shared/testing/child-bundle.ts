import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { basename, join } from 'node:path';
import { build } from 'esbuild';

/**
 * Bundles a program of this folder for a process of its own, inside the repository (`.build`) so that it finds its packages.
 * `root`: the repository.
 */
export async function bundleChild(name: string, root = process.cwd()): Promise<{ file: string; dispose(): void }> {
  const folder = join(root, '.build');
  mkdirSync(folder, { recursive: true });
  const outdir = mkdtempSync(join(folder, `${name}-`));
  await build({
    absWorkingDir: root,
    entryPoints: [join(root, 'shared/testing', `${name}.ts`)],
    outdir,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    packages: 'external',
    loader: { '.sql': 'text', '.html': 'text' },
    outExtension: { '.js': '.mjs' },
  });
  return {
    file: join(outdir, `${basename(name)}.mjs`),
    dispose: () => rmSync(outdir, { recursive: true, force: true }),
  };
}
