import { readFile, realpath } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { config as loadEnvironment } from 'dotenv';
import { readConfig } from '../shared/config.ts';
import { type DescribedPack, describedPackSchema, packFiles } from '../shared/vision/pack.ts';
import { addPack, removePack } from '../shared/vision/weights/add.ts';
import { ensurePack, originOf } from '../shared/vision/weights/ensure.ts';
import { isIntact, sizeOf } from '../shared/vision/weights/files.ts';
import {
  findPack,
  listPacks,
  PackError,
  type PackPlaces,
  parseAs,
  readCatalogue,
} from '../shared/vision/weights/packs.ts';
import { reportProgress } from '../shared/vision/weights/progress.ts';
import { isUsageError, UsageError } from './command-line/usage-error.ts';

const usage = `Usage: npm run models -- [COMMAND]

  (no command)        builds or downloads the files of the configured packs (FREEFACE_MODEL_PACK), and checks them
  get NAME            does the same for this pack
  list                lists all packs with their state and licences
  show NAME           prints the description of a pack or a template as JSON; complete it for "add"
  add FILE|NAME       adds a pack with your own model files. FILE is its description in JSON; NAME is a pack or a template
      --from DIR      the folder of the model files (default: the folder of FILE)
      --link          uses the files in their folder instead of copying them
      --accept-terms  accepts the terms of the description. Without it, a pack with terms is not added, and the terms are shown
  verify [NAME...]    checks the SHA-256 of every existing file
  remove NAME         removes an added pack, or deletes the files of a pack of the catalogue

FREEFACE_DATA (default .freeface) is the data folder. Exit codes: 0 done, 1 something is missing or wrong, 2 wrong usage.
`;

interface Terminal {
  readonly stdout: NodeJS.WriteStream;
  readonly stderr: NodeJS.WriteStream;
}

/** `npm run models`. Resolves to the exit code. */
export async function main(
  args: readonly string[],
  environment: NodeJS.ProcessEnv,
  terminal: Terminal,
): Promise<number> {
  try {
    const { dataDir, packs } = readConfig(environment);
    return await runCommand(args, { modelsDir: resolve('models'), dataDir }, packs, terminal);
  } catch (error) {
    if (isUsageError(error)) {
      terminal.stderr.write(`${error.message}\n\n${usage}`);
      return 2;
    }
    terminal.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    return 1;
  }
}

async function runCommand(
  args: readonly string[],
  places: PackPlaces,
  configured: readonly string[],
  terminal: Terminal,
): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      from: { type: 'string' },
      link: { type: 'boolean', default: false },
      'accept-terms': { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  const [command, ...names] = positionals;
  const name = names[0];
  const say = (text: string) => void terminal.stdout.write(`${text}\n`);
  if (values.help) say(usage);
  else if (command === undefined) await get(configured, places, terminal);
  else if (command === 'verify') return verify(names, places, say);
  else if (command === 'list' && names.length === 0) await list(places, say);
  else if (name === undefined || names.length > 1) throw new UsageError(`"${positionals.join(' ')}" is not a command.`);
  else if (command === 'get') await get([name], places, terminal);
  else if (command === 'show') say(JSON.stringify(await describe(name, places), null, 2));
  else if (command === 'add') return add(name, values, places, say);
  else if (command === 'remove') {
    await removePack(name, places);
    say(`Removed ${name}.`);
  } else throw new UsageError(`"${positionals.join(' ')}" is not a command.`);
  return 0;
}

async function get(names: readonly string[], places: PackPlaces, { stdout, stderr }: Terminal): Promise<void> {
  const reporter = reportProgress(stderr);
  const stop = new AbortController();
  const interrupt = () => stop.abort(new Error('Interrupted. Run the same command again to continue.'));
  process.once('SIGINT', interrupt);
  try {
    for (const name of names) {
      const pack = await ensurePack(name, { ...places, progress: reporter.report, signal: stop.signal });
      stdout.write(`${name} is ready: ${pack.title}\n`);
      for (const caveat of pack.caveats) stdout.write(`  Note: ${caveat}\n`);
    }
  } finally {
    process.off('SIGINT', interrupt);
    reporter.stop();
  }
}

async function list(places: PackPlaces, say: (text: string) => void): Promise<void> {
  for (const { pack, origin } of await listPacks(places)) {
    const files = packFiles(pack);
    const sizes = await Promise.all(files.map(({ path }) => sizeOf(path)));
    const missing = files.filter((file, i) => sizes[i] !== file.bytes);
    const needsUser = missing.some((file) => originOf(file) === 'user');
    const state =
      missing.length === 0 ? 'ready' : needsUser ? 'needs your files' : 'files are missing: npm run models -- get';
    say(`${pack.name} (${origin}, ${state})\n  ${pack.title}`);
    for (const { path, licence } of files) say(`  ${path}\n    code: ${licence.code}; weights: ${licence.weights}`);
    if (origin === 'added' || files.some((file) => originOf(file) === 'user')) {
      say(`  terms: ${pack.terms ?? 'see the source of your files'}`);
    }
  }
  for (const { name, title } of (await readCatalogue(places)).templates) {
    say(`${name} (template: npm run models -- show ${name})\n  ${title}`);
  }
}

async function add(
  given: string,
  values: { from?: string | undefined; link: boolean; 'accept-terms': boolean },
  places: PackPlaces,
  say: (text: string) => void,
): Promise<number> {
  const isFile = (await sizeOf(given)) !== null;
  if (!isFile && values.from === undefined) {
    throw new UsageError(
      `There is no file ${given}. If it is the name of a pack, set the folder of its files: --from DIR.`,
    );
  }
  const described = isFile
    ? parseAs(describedPackSchema, given, await readFile(given, 'utf8'))
    : await describe(given, places);
  if (described.terms !== undefined && !values['accept-terms']) {
    say(`${described.name}: ${described.terms}\nTo accept these terms, run the command again with --accept-terms.`);
    return 1;
  }
  const from = resolve(values.from ?? dirname(given));
  const pack = await addPack(described, { ...places, from, link: values.link });
  for (const { path, sha256, bytes } of packFiles(pack)) say(`${path}  ${bytes} bytes  SHA-256 ${sha256}`);
  say(`Added. To use it, set FREEFACE_MODEL_PACK=${pack.name}.`);
  return 0;
}

/** A pack or a template of models.json, with relative paths; or an added pack. */
async function describe(name: string, places: PackPlaces): Promise<DescribedPack> {
  const { packs, templates } = await readCatalogue(places);
  return [...templates, ...packs].find((pack) => pack.name === name) ?? (await findPack(name, places));
}

async function verify(names: readonly string[], places: PackPlaces, say: (text: string) => void): Promise<number> {
  const known = (await listPacks(places)).map(({ pack }) => pack);
  const unknown = names.find((name) => !known.some((pack) => pack.name === name));
  if (unknown !== undefined) throw new PackError(`There is no model pack ${unknown}.`);
  let wrong = 0;
  for (const pack of known.filter(({ name }) => names.length === 0 || names.includes(name))) {
    for (const file of packFiles(pack)) {
      const there = (await sizeOf(file.path)) !== null;
      const state = !there ? 'missing' : (await isIntact(file.path, file)) ? 'intact' : 'DAMAGED';
      // A missing file is an error only for packs that the user names.
      if (state === 'DAMAGED' || (state === 'missing' && names.length > 0)) wrong += 1;
      if (there || names.length > 0) say(`${pack.name}  ${state}  ${file.path}`);
    }
  }
  return wrong === 0 ? 0 : 1;
}

const entry = process.argv[1];
if (entry !== undefined && (await realpath(entry)) === fileURLToPath(import.meta.url)) {
  loadEnvironment({ quiet: true });
  process.exitCode = await main(process.argv.slice(2), process.env, process);
}
