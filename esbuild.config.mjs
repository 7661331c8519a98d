// Bundles functions (one bundle each) and runs the repository's scripts.
//   node esbuild.config.mjs build [name ...]      dist/functions/<name>/
//   node esbuild.config.mjs run <script> [args]   scripts/<script>.ts
//   node esbuild.config.mjs bundle <script>       .build/<script>/<script>.js, for a process that must not load the bundler
import { existsSync } from 'node:fs';
import { readdir, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';

const root = dirname(fileURLToPath(import.meta.url));

/** Packages that are not bundled: native modules, and packages from which only files are read. */
export const externals = [
  'onnxruntime-node',
  'sharp',
  'libheif-js',
  'libsql',
  'usearch',
  'swagger-ui-dist',
  '@vladmandic/face-api',
  '@vladmandic/human',
  'esbuild',
];

/**
 * @typedef {import('./shared/function/define.ts').Manifest} Manifest
 * @typedef {import('./shared/ports/index.ts').PortName} PortName
 * @typedef {{ name: string, manifest: Manifest, ports: readonly PortName[], metafile: import('esbuild').Metafile }} Bundle
 */

/** @satisfies {import('esbuild').BuildOptions} */
export const common = /** @type {const} */ ({
  absWorkingDir: root,
  bundle: true,
  platform: 'node',
  target: 'node20',
  format: 'esm',
  splitting: true,
  mainFields: ['module', 'main'],
  external: [...externals],
  alias: {
    '@opentelemetry/api': './shared/runtime/no-spans.ts',
    '@aws-sdk/credential-provider-node': './shared/runtime/left-out.ts',
    '@shanghaikid/parquetjs': './shared/runtime/left-out.ts',
    'adm-zip': './shared/runtime/left-out.ts',
    'thread-stream': './shared/runtime/left-out.ts',
  },
  sourcemap: 'linked',
  sourcesContent: false,
  metafile: true,
  logLevel: 'warning',
  loader: { '.sql': 'text', '.html': 'text' },
  // Bundled CommonJS packages call `require` for Node's built-in modules.
  banner: {
    js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);",
  },
});

/** Names of all functions (the folders under functions/), sorted. */
export async function functionNames() {
  const entries = await readdir(join(root, 'functions'), { withFileTypes: true });
  return entries
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name)
    .sort();
}

/**
 * [Note: A bundle contains what its manifest declares]
 * This function writes the entry of a function's bundle from the ports that its manifest needs (`portsOf`). The entry opens only those
 * ports, in both modes. So the bundler cannot reach the adapter of any other port. A test proves it with the metafiles.
 *
 * @param {Manifest} manifest
 * @param {readonly PortName[]} ports
 */
const entryOf = (manifest, ports) => `${importsOf(manifest)}
    await main(definition, front, {
      embedded: {${openersIn('embedded', ports)}},
      distributed: {${openersIn('distributed', ports)}},
    });`;

/**
 * The imports at the start of a bundle's entry: `definition`, its `front`, `main`, which runs both, and `adapterOptions` for the openers.
 *
 * @param {Manifest} manifest
 */
export function importsOf({ name, trigger, ...rest }) {
  const front = trigger.kind === 'http' ? frontOf({ trigger, ...rest }) : trigger.kind;
  return `
    import definition from './functions/${name}/index.ts';
    import { front } from './shared/runtime/front-${front}.ts';
    import { main } from './shared/runtime/main.ts';
    import { adapterOptions } from './shared/function/adapter-options.ts';`;
}

/**
 * Source text of the openers of those ports that have an adapter in `engine`.
 *
 * @param {'embedded' | 'distributed'} engine
 * @param {readonly PortName[]} ports
 */
export function openersIn(engine, ports) {
  return ports
    .filter((port) => existsSync(join(root, 'shared', 'adapters', engine, `${port}.ts`)))
    .map(
      (port) =>
        `${port}: async (context) => (await import('./shared/adapters/${engine}/${port}.ts')).open${capitalised(port)}(adapterOptions(context)),`,
    )
    .join('\n');
}

/**
 * Name of the front of an HTTP function. A public function without a rate limit gets no guards, and a function without an image gets no
 * image reader.
 *
 * @param {{ trigger: import('./shared/function/define.ts').HttpTrigger, image?: unknown, rateLimit?: unknown }} manifest
 */
function frontOf({ trigger, image, rateLimit }) {
  if (image !== undefined) return 'image';
  return trigger.scope === null && rateLimit === undefined ? 'open' : 'http';
}

/** @param {string} word */
const capitalised = (word) => word.charAt(0).toUpperCase() + word.slice(1);

/**
 * Reads the manifests from the functions themselves: bundles only the repository's own code and imports it.
 *
 * @param {readonly string[]} names
 * @returns {Promise<{ manifest: Manifest, ports: readonly PortName[] }[]>}
 */
export async function readManifests(names) {
  const outfile = join(root, '.build', 'manifests.mjs');
  await build({
    ...common,
    splitting: false,
    stdin: {
      contents: [
        "export { portsOf } from './shared/function/define.ts';",
        ...names.map((name, i) => `export { default as f${i} } from './functions/${name}/index.ts';`),
      ].join('\n'),
      resolveDir: root,
      loader: 'ts',
    },
    packages: 'external',
    outfile,
  });
  const module = await import(`${pathToFileURL(outfile)}?${Date.now()}`);
  return names.map((_, i) => {
    const { manifest } = module[`f${i}`];
    return { manifest, ports: module.portsOf(manifest) };
  });
}

/**
 * Builds each function into its own folder of `outdir`.
 *
 * @param {readonly string[]} names
 * @returns {Promise<Bundle[]>}
 */
export async function buildFunctions(names, outdir = join(root, 'dist', 'functions')) {
  const built = [];
  for (const { manifest, ports } of await readManifests(names)) {
    const { name } = manifest;
    await rm(join(outdir, name), { recursive: true, force: true });
    const { metafile } = await build({
      ...common,
      stdin: {
        contents: entryOf(manifest, ports),
        resolveDir: root,
        loader: 'ts',
        sourcefile: `${name}.entry.ts`,
      },
      entryNames: 'index',
      chunkNames: 'chunk-[hash]',
      outdir: join(outdir, name),
      minifySyntax: true,
      minifyWhitespace: true,
      minifyIdentifiers: true,
      // Keeps the names of functions and classes in stack traces.
      keepNames: true,
    });
    await writeFile(join(outdir, name, 'meta.json'), JSON.stringify(metafile));
    built.push({ name, manifest, ports, metafile });
  }
  return built;
}

/**
 * Bundles scripts/<name>.ts. Resolves to the path of the bundle.
 *
 * @param {string} name
 */
async function bundleScript(name) {
  const outdir = join(root, '.build', name);
  // esbuild.config.mjs finds the repository by its own path, so scripts that bundle must import it from its place.
  // @cyclonedx/cyclonedx-library imports packages that only its other output formats need.
  const external = [...externals, './esbuild.config.mjs', '@cyclonedx/cyclonedx-library', 'spdx-license-list'];
  await build({ ...common, external, entryPoints: [join('scripts', `${name}.ts`)], outdir, entryNames: '[name]' });
  return join(outdir, `${name}.js`);
}

/**
 * Bundles scripts/<name>.ts and imports it in this process.
 *
 * @param {string} name
 * @param {readonly string[]} args
 */
async function run(name, args) {
  const file = await bundleScript(name);
  process.argv = [process.execPath, file, ...args];
  await import(pathToFileURL(file).href);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [, , command, ...rest] = process.argv;
  if (command === 'build') {
    for (const { name, metafile } of await buildFunctions(rest.length > 0 ? rest : await functionNames())) {
      const bytes = Object.entries(metafile.outputs)
        .filter(([file]) => file.endsWith('.js'))
        .reduce((sum, [, { bytes }]) => sum + bytes, 0);
      console.log(`${name.padEnd(32)} ${(bytes / 1024).toFixed(0).padStart(6)} KiB`);
    }
  } else if (command === 'run' && rest[0] !== undefined) await run(rest[0], rest.slice(1));
  else if (command === 'bundle' && rest[0] !== undefined) await bundleScript(rest[0]);
  else {
    console.error('usage: node esbuild.config.mjs build [name ...] | run <script> [args] | bundle <script>');
    process.exit(2);
  }
}
