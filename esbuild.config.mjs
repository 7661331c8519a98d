// Bundles functions (one bundle each) and runs the repository's scripts.
//   node esbuild.config.mjs build [name ...]      dist/functions/<name>/
//   node esbuild.config.mjs run <script> [args]   scripts/<script>.ts
//   node esbuild.config.mjs bundle <script>       .build/<script>/<script>.js, for a process that shall hold nothing else
import { existsSync } from 'node:fs';
import { readdir, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';

const root = dirname(fileURLToPath(import.meta.url));

/** Native modules, and packages of which only files are read. Everything else is bundled. */
export const externals = [
  'onnxruntime-node',
  'sharp',
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
  // Bundled CommonJS packages call require for Node's own modules.
  banner: {
    js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);",
  },
});

/** Folders under functions/ that hold a function, sorted. */
export async function functionNames() {
  const entries = await readdir(join(root, 'functions'), { withFileTypes: true });
  return entries
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name)
    .sort();
}

/**
 * [Note: A bundle holds what its manifest declares]
 * The entry of a function's bundle is written here from what its manifest needs (`portsOf`): it opens those ports and no others, in either
 * mode, so an adapter that is not declared is not even reachable for the bundler. A test reads the metafiles to prove it.
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
 * What a bundle's entry starts with: `definition`, its `front`, `main` that runs them, and `adapterOptions` for openers.
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
 * Openers of the ports that have an adapter in `engine`, as text.
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
 * Who anybody may call carries no guards, and who takes no image no reader for it.
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
 * The manifests as the functions themselves state them: bundled with nothing but their own code, and imported.
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
      // Functions and classes keep their names in stack traces.
      keepNames: true,
    });
    await writeFile(join(outdir, name, 'meta.json'), JSON.stringify(metafile));
    built.push({ name, manifest, ports, metafile });
  }
  return built;
}

/**
 * Bundles scripts/<name>.ts; resolves to the file to run.
 *
 * @param {string} name
 */
async function bundleScript(name) {
  const outdir = join(root, '.build', name);
  // This file looks after itself by where it lies, so a script that bundles imports it from there; the other asks for packages
  // that only its further formats need.
  const external = [...externals, './esbuild.config.mjs', '@cyclonedx/cyclonedx-library'];
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
