import { access } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';

/**
 * Absolute path of a file in an installed npm package. The `exports` of the package need not name it. The search starts at this module
 * and goes upwards, then from the working directory, because a bundle can lie outside the repository. Errors: Error when the file is
 * not installed.
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
    `${file} of the npm package ${packageName} is not installed. Run \`npm ci\`. Searched folders: ${tried.join(', ')}.`,
  );
}
