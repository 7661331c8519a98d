import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { checkText, describe, type KubernetesObject } from './manifests/check.ts';
import { checkTogether } from './manifests/together.ts';

/** Returns a line for each problem in these files: file, object, field, reason. A folder means all YAML files in it. */
export async function checkFiles(paths: readonly string[]): Promise<string[]> {
  const objects: KubernetesObject[] = [];
  const lines: string[] = [];
  for (const path of (await Promise.all(paths.map(filesOf))).flat()) {
    const found = checkText(path === '-' ? await readInput() : await readFile(path, 'utf8'));
    objects.push(...found.objects);
    lines.push(...found.problems.map((problem) => `${path}: ${describe(problem)}`));
  }
  return [...lines, ...checkTogether(objects).map(describe)];
}

/** `npm run check-manifests -- FILE…` (`-` reads standard input). Exit code 1 if there is a problem. */
async function main(): Promise<void> {
  const paths = process.argv.slice(2);
  if (paths.length === 0) {
    process.stderr.write('usage: npm run check-manifests -- FILE | FOLDER | - ...\n');
    process.exitCode = 2;
    return;
  }
  const lines = await checkFiles(paths);
  for (const line of lines) process.stderr.write(`${line}\n`);
  if (lines.length > 0) process.exitCode = 1;
}

async function filesOf(path: string): Promise<string[]> {
  if (path === '-' || !(await stat(path)).isDirectory()) return [path];
  const names = await readdir(path, { recursive: true });
  return names
    .filter((name) => /\.ya?ml$/.test(name))
    .sort()
    .map((name) => join(path, name));
}

async function readInput(): Promise<string> {
  let text = '';
  for await (const chunk of process.stdin.setEncoding('utf8')) text += chunk;
  return text;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) await main();
