import { execFile } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type BuildOptions, build, type Metafile, type Plugin } from 'esbuild';
import { common, importsOf, openersIn } from '../../esbuild.config.mjs';
import type { PortName } from '../../shared/ports/index.ts';
import type { Manifest } from '../../shared/runtime/define.ts';
import { extractor } from '../manifests/names.ts';

/** One file of CommonJS: that is what a code cache can be made of. What loads later stays a function that is called later. */
const options = {
  ...common,
  format: 'cjs',
  splitting: false,
  sourcemap: false,
  banner: { js: "const __url = require('node:url').pathToFileURL(__filename).href;" },
  define: { 'import.meta.url': '__url' },
  supported: { 'dynamic-import': false },
  minify: true,
  keepNames: true,
} as const satisfies BuildOptions;

/**
 * Writes what an image runs into `folder`: boot.cjs, function.cjs and function.cache, which `node`, the program in the image,
 * makes. A process of a cluster alone: the adapters of the embedded mode stay out, and so do the networks of all but the
 * extractor. Answers what went in.
 */
export async function bundleFunction(
  manifest: Manifest,
  ports: readonly PortName[],
  folder: string,
  node: string,
): Promise<Metafile> {
  await mkdir(folder, { recursive: true });
  const plugins = manifest.name === extractor ? [] : [withoutNetworks];
  const first = await bundle(entryOf(manifest, ports, []), { write: false, plugins });
  const { metafile } = await bundle(entryOf(manifest, ports, loadedLater(first.metafile)), {
    outfile: join(folder, 'function.cjs'),
    plugins,
  });
  for (const program of ['boot', 'code-cache']) {
    await build({
      ...options,
      entryPoints: [`scripts/images/${program}.ts`],
      outfile: join(program === 'boot' ? folder : join(folder, '..'), `${program}.cjs`),
      banner: {},
      define: {},
    });
  }
  await promisify(execFile)(node, ['--random-seed=42', join(folder, '..', 'code-cache.cjs'), folder], { env: {} });
  return metafile;
}

/**
 * Writes what the image of the command line runs into `folder`: main.mjs and what it loads. Not one file with a code cache: the
 * commands wait for each other at their top, and a Job may take a second to start. Answers what went in.
 */
export async function bundleCommandLine(folder: string): Promise<Metafile> {
  await mkdir(folder, { recursive: true });
  // In a file of their own, which is not the one that was started, so that no command thinks that it was.
  const contents = `const { main } = await import('./scripts/images/command-line.ts');
  process.exitCode = await main(process.argv.slice(2), process.env, process);`;
  const { metafile } = await build({
    ...common,
    stdin: { contents, resolveDir: common.absWorkingDir, loader: 'ts', sourcefile: 'main.ts' },
    outdir: folder,
    entryNames: 'main',
    outExtension: { '.js': '.mjs' },
    sourcemap: false,
    minify: true,
    keepNames: true,
    plugins: [withoutFolder],
  });
  return metafile;
}

const bundle = (contents: string, more: BuildOptions) =>
  build({
    ...options,
    stdin: { contents, resolveDir: common.absWorkingDir, loader: 'ts', sourcefile: 'image.entry.ts' },
    ...more,
    metafile: true,
  });

const entryOf = (manifest: Manifest, ports: readonly PortName[], modules: readonly string[]) => `${importsOf(manifest)}
  import { warm as warmUp } from './scripts/images/warm.ts';
  export const start = () => main(definition, front, { embedded: {}, distributed: {${openersIn('distributed', ports)}} });
  export const warm = () => warmUp(definition, front, [${modules.map((path) => `() => import('./${path}')`).join()}]);`;

/** Modules of the bundle that are imported when they are needed, in order. */
const loadedLater = ({ inputs }: Metafile): string[] => [
  ...new Set(
    Object.values(inputs).flatMap(({ imports }) =>
      imports.filter(({ kind, external }) => kind === 'dynamic-import' && external !== true).map(({ path }) => path),
    ),
  ),
];

/** In a cluster the extractor is asked by its address; nobody else finds faces in his own process. */
const withoutNetworks: Plugin = {
  name: 'without-networks',
  setup: ({ onResolve }) =>
    onResolve({ filter: /embedded\/extractor\.ts$/ }, () => ({
      path: join(common.absWorkingDir, 'shared/runtime/left-out.ts'),
    })),
};

/** What keeps things in a folder, and the native modules that it needs, are of no use where there is none. */
const withoutFolder: Plugin = {
  name: 'without-folder',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /\/embedded\/[^/]+\.ts$|\/copy\/copy\.ts$/ }, ({ path }) => ({ path, namespace: 'left-out' }));
    onLoad({ filter: /.*/, namespace: 'left-out' }, () => ({ contents: 'module.exports = {};' }));
  },
};
