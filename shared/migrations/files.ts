import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import * as z from 'zod';
import { type DatabaseName, MigrationError } from './migration.ts';

export interface MigrationFile {
  readonly name: string;
  readonly text: string;
  /** SHA-256 in hex. CRLF counts as LF, because a checkout may change line ends. */
  readonly checksum: string;
}

const extensionOf: Readonly<Record<DatabaseName, string>> = {
  scylla: 'cql',
  kafka: 'json',
  minio: 'json',
  milvus: 'json',
};

/** The files of a database, in order. Errors: MigrationError when a name has no number, or the number of another file. */
export async function readFiles(folder: string, database: DatabaseName): Promise<MigrationFile[]> {
  const names = await namesIn(folder, database);
  return await Promise.all(
    names.map(async (name) => {
      const text = (await readFile(join(folder, database, name), 'utf8')).replaceAll('\r\n', '\n');
      return { name, text, checksum: createHash('sha256').update(text).digest('hex') };
    }),
  );
}

/** Path of a new migration with this title and the next number. Errors: MigrationError. */
export async function nextFile(folder: string, database: DatabaseName, title: string): Promise<string> {
  const words = title
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replaceAll(/^-|-$/g, '');
  if (words === '')
    throw new MigrationError(`"${title}" has no letter or digit. Use a name such as: create add-cameras`);
  const names = await namesIn(folder, database);
  const number = Number(names.at(-1)?.slice(0, 3) ?? 0) + 1;
  return join(folder, database, `${String(number).padStart(3, '0')}-${words}.${extensionOf[database]}`);
}

/** Writes an empty migration. Fails when the file exists. */
export async function createFile(path: string, database: DatabaseName): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, templateOf[database], { flag: 'wx' });
}

/** Parses the text of a file as JSON with this schema. Errors: MigrationError that names the file and each wrong field. */
export function parseFile<Schema extends z.ZodType>(schema: Schema, { name, text }: MigrationFile): z.output<Schema> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new MigrationError(`${name} is not JSON: ${(cause as Error).message}`, { cause });
  }
  const parsed = schema.safeParse(value);
  if (!parsed.success) throw new MigrationError(`${name} has wrong fields:\n${z.prettifyError(parsed.error)}`);
  return parsed.data;
}

async function namesIn(folder: string, database: DatabaseName): Promise<string[]> {
  const extension = extensionOf[database];
  const all = await readdir(join(folder, database)).catch(() => []);
  const names = all.filter((name) => name.endsWith(`.${extension}`)).sort();
  const numbers = new Set<string>();
  for (const name of names) {
    const number = /^(\d{3})-[a-z0-9-]+\.\w+$/.exec(name)?.[1];
    if (number === undefined || numbers.has(number)) {
      const why =
        number === undefined ? 'does not have a name such as 001-what-it-does' : 'has the same number as another file';
      throw new MigrationError(`${join(folder, database, name)} ${why}. Rename it.`);
    }
    numbers.add(number);
  }
  return names;
}

const json = (value: object): string => `${JSON.stringify(value, null, 2)}\n`;

const templateOf: Readonly<Record<DatabaseName, string>> = {
  scylla: `-- Say here what this migration is for. End every statement with a semicolon. It must be possible to run a
-- statement twice: an interrupted migration starts again with the statement at which it stopped. Write table names without
-- the keyspace.

-- down
-- Put the statements that roll it back here. If it cannot be rolled back, replace "-- down" by "-- no way back: REASON".
`,
  kafka: json({ about: 'Say here what this migration is for.', topics: [] }),
  minio: json({ about: 'Say here what this migration is for.', bucket: 'images' }),
  milvus: json({ about: 'Say here what this migration is for.', fields: [] }),
};
