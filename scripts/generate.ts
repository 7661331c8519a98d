import { execFileSync } from 'node:child_process';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { functions } from '../functions/registry.gen.ts';
import { rooms } from '../shared/testing/layers.ts';
import { checkManifests } from './generate/check-manifests.ts';
import { functionTables } from './generate/function-table.ts';
import { manifestFiles } from './generate/knative/files.ts';
import { noteIndex } from './generate/note-index.ts';
import { notices } from './generate/notices.ts';
import { openApi } from './generate/open-api.ts';
import { registry } from './generate/registry.ts';
import { roomDiagram } from './generate/room-diagram.ts';
import { scyllaSchema } from './generate/scylla-schema.ts';
import { withSection } from './generate/section.ts';
import { settingsTable } from './generate/settings-table.ts';

/** Returns all generated files: path from the repository's root, and text. */
export async function generatedFiles(root: string): Promise<Map<string, string>> {
  const names = await functionNames(root);
  checkManifests(names, functions);
  return new Map([
    ['functions/registry.gen.ts', registry(names)],
    [
      'shared/adapters/distributed/scylla/schema.gen.ts',
      scyllaSchema((await readdir(resolve(root, 'migrations/scylla'))).filter((name) => name.endsWith('.cql')).sort()),
    ],
    ['functions/api-docs/openapi.gen.json', `${JSON.stringify(openApi(functions), null, 2)}\n`],
    ['shared/README.md', await sharedPage(root)],
    ['.github/NOTICE.md', notices(root)],
    [
      'functions/README.md',
      withSection(await readFile(resolve(root, 'functions/README.md'), 'utf8'), 'functions', functionTables(functions)),
    ],
    ...manifestFiles(
      functions.map(({ manifest }) => manifest),
      await versionOf(root),
    ),
  ]);
}

async function sharedPage(root: string): Promise<string> {
  const page = await readFile(resolve(root, 'shared/README.md'), 'utf8');
  const sections = { rooms: roomDiagram(rooms), settings: settingsTable(), notes: await noteIndex(root, 'shared') };
  return Object.entries(sections).reduce((text, [name, content]) => withSection(text, name, content), page);
}

/** Returns the folders under functions/, sorted. Each has one function. */
export async function functionNames(root: string): Promise<string[]> {
  const entries = await readdir(resolve(root, 'functions'), { withFileTypes: true });
  return entries
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => name)
    .sort();
}

async function versionOf(root: string): Promise<string> {
  const { version } = JSON.parse(await readFile(resolve(root, 'package.json'), 'utf8')) as { version: string };
  return version;
}

/** `npm run generate [-- --check]`: writes the generated files. With `--check` lists the outdated ones (exit code 1). */
async function main(): Promise<void> {
  const { values } = parseArgs({ options: { check: { type: 'boolean', default: false } } });
  const root = process.cwd();
  // The registry comes first, because the other files are generated from the functions that it lists.
  const names = await functionNames(root);
  const stale = await isStale(resolve(root, 'functions/registry.gen.ts'), registry(names));
  if (stale && !values.check) {
    await write(resolve(root, 'functions/registry.gen.ts'), registry(names));
    process.stdout.write('wrote functions/registry.gen.ts\n');
    // This process was bundled with the old registry, so a new process writes the other files.
    execFileSync(process.execPath, ['esbuild.config.mjs', 'run', 'generate'], { cwd: root, stdio: 'inherit' });
    return;
  }
  for (const [path, text] of await generatedFiles(root)) {
    if (!(await isStale(resolve(root, path), text))) continue;
    if (values.check) {
      process.stdout.write(`${path} is out of date; run npm run generate\n`);
      process.exitCode = 1;
    } else {
      await write(resolve(root, path), text);
      process.stdout.write(`wrote ${path}\n`);
    }
  }
}

async function isStale(path: string, text: string): Promise<boolean> {
  return (await readFile(path, 'utf8').catch(() => undefined)) !== text;
}

async function write(path: string, text: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, text);
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) await main();
