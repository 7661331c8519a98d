import { execFile } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type BuildOptions, build, type Metafile, type Plugin } from 'esbuild';
import { common, importsOf, openersIn } from '../../esbuild.config.mjs';
import type { Manifest } from '../../shared/function/define.ts';
import type { PortName } from '../../shared/ports/index.ts';
import { extractor } from '../manifests/names.ts';

/** One CommonJS file, because V8 can make a code cache of it. Modules that load later become functions that run later. */
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
 * Writes the files of a function's image into `folder`: boot.cjs, function.cjs and function.cache. `node`: the image's node program,
 * which makes the code cache. The bundle is for a cluster only: it has no adapters of the embedded mode, and no networks unless the
 * function is the extractor. Returns esbuild's description of the bundle.
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
 * Writes the files of the command line's image into `folder`: main.mjs and its modules. There is no code cache, because the commands
 * use top-level await, which CommonJS does not allow; a Job may take a second to start. Returns esbuild's description of the bundle.
 */
export async function bundleCommandLine(folder: string): Promise<Metafile> {
  await mkdir(folder, { recursive: true });
  // The commands are in a chunk of their own. A command runs automatically only if its file is the started one.
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

/** Returns the modules of the bundle that load with a dynamic import, in order. */
const loadedLater = ({ inputs }: Metafile): string[] => [
  ...new Set(
    Object.values(inputs).flatMap(({ imports }) =>
      imports.filter(({ kind, external }) => kind === 'dynamic-import' && external !== true).map(({ path }) => path),
    ),
  ),
];

/** In a cluster, functions call the extractor by its address. Only the extractor runs networks in its own process. */
const withoutNetworks: Plugin = {
  name: 'without-networks',
  setup: ({ onResolve }) =>
    onResolve({ filter: /\/in-process-extractor\.ts$/ }, () => ({
      path: join(common.absWorkingDir, 'shared/runtime/left-out.ts'),
    })),
};

/** Leaves out the embedded adapters and the copy command, with their native modules. They need a data folder, and a pod has none. */
const withoutFolder: Plugin = {
  name: 'without-folder',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /\/embedded\/[^/]+\.ts$|\/in-process-extractor\.ts$|\/copy\/copy\.ts$/ }, ({ path }) => ({
      path,
      namespace: 'left-out',
    }));
    onLoad({ filter: /.*/, namespace: 'left-out' }, () => ({ contents: 'module.exports = {};' }));
  },
};
