import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

const folders = ['shared', 'functions', 'scripts'];
/** The title of a note, alone on a line of a comment. In the middle of a line, or on a line after `See:`, it is a reference. */
const heading = /(?<!See:?)\n\s*(?:\*|\/\/)\s*\[Note: ([^\]\n]+)\](?=\n)/g;

/** All `[Note: Title]` blocks as a Markdown list by title, with links to their files. `from`: the folder of the page, from the root. */
export async function noteIndex(root: string, from: string): Promise<string> {
  const notes: { title: string; path: string }[] = [];
  for (const path of await sources(root)) {
    const text = await readFile(join(root, path), 'utf8');
    for (const [, title] of text.matchAll(heading)) notes.push({ title: title!, path });
  }
  return notes
    .sort((a, b) => (a.title < b.title ? -1 : 1))
    .map(({ title, path }) => `- [${title}](${'../'.repeat(from.split('/').length)}${path})`)
    .join('\n');
}

/** The program's files from the root, without generated ones. */
async function sources(root: string): Promise<string[]> {
  const found: string[] = ['esbuild.config.mjs'];
  for (const folder of folders) {
    const names = await readdir(join(root, folder), { recursive: true });
    found.push(
      ...names.filter((name) => /\.(ts|mjs)$/.test(name) && !/\.gen\./.test(name)).map((name) => join(folder, name)),
    );
  }
  return found.sort();
}
