import { access } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';

/**
 * Absolute path of a file inside an installed npm package, also one that its `exports` do not name.
 * Looked for from this module upwards, then from the working directory: a bundle may lie outside the repository's root.
 */
export async function npmFile(packageName: string, file: string): Promise<string> {
  const tried: string[] = [];
  for (const from of [import.meta.url, pathToFileURL(join(process.cwd(), 'package.json')).href]) {
    for (const folder of createRequire(from).resolve.paths(packageName) ?? []) {
      const path = join(folder, packageName, file);
      const found = await access(path)
        .then(() => true)
        .catch(() => false);
      if (found) return path;
      tried.push(dirname(path));
    }
  }
  throw new Error(
    `${file} of the npm package ${packageName} is not installed: run \`npm ci\`. Looked in ${tried.join(', ')}`,
  );
}
