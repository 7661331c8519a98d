import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import * as z from 'zod';
import { type DatabaseName, MigrationError } from './migration.ts';

export interface MigrationFile {
  readonly name: string;
  readonly text: string;
  /** SHA-256 in hex; line ends do not count, since a checkout may change them. */
  readonly checksum: string;
}

const extensionOf: Readonly<Record<DatabaseName, string>> = {
  scylla: 'cql',
  kafka: 'json',
  minio: 'json',
  milvus: 'json',
};

/** The files of a database in order. Errors: MigrationError for a name without a number of its own. */
export async function readFiles(folder: string, database: DatabaseName): Promise<MigrationFile[]> {
  const names = await namesIn(folder, database);
  return await Promise.all(
    names.map(async (name) => {
      const text = (await readFile(join(folder, database, name), 'utf8')).replaceAll('\r\n', '\n');
      return { name, text, checksum: createHash('sha256').update(text).digest('hex') };
    }),
  );
}

/** Where a migration of that title comes to lie, with the next number. Errors: MigrationError. */
export async function nextFile(folder: string, database: DatabaseName, title: string): Promise<string> {
  const words = title
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replaceAll(/^-|-$/g, '');
  if (words === '') throw new MigrationError(`"${title}" names nothing; say what it does, as in: create add-cameras`);
  const names = await namesIn(folder, database);
  const number = Number(names.at(-1)?.slice(0, 3) ?? 0) + 1;
  return join(folder, database, `${String(number).padStart(3, '0')}-${words}.${extensionOf[database]}`);
}

/** Writes an empty migration where there is no file yet. */
export async function createFile(path: string, database: DatabaseName): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, templateOf[database], { flag: 'wx' });
}

/** The text of a file as JSON of that form. Errors: MigrationError that names the file and each field that is wrong. */
export function parseFile<Schema extends z.ZodType>(schema: Schema, { name, text }: MigrationFile): z.output<Schema> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new MigrationError(`${name} is not JSON: ${(cause as Error).message}`, { cause });
  }
  const parsed = schema.safeParse(value);
  if (!parsed.success) throw new MigrationError(`${name} is not well-formed:\n${z.prettifyError(parsed.error)}`);
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
      const why = number === undefined ? 'is not named like 001-what-it-does' : 'has the number of another one';
      throw new MigrationError(`${join(folder, database, name)} ${why}. Rename it.`);
    }
    numbers.add(number);
  }
  return names;
}

const json = (value: object): string => `${JSON.stringify(value, null, 2)}\n`;

const templateOf: Readonly<Record<DatabaseName, string>> = {
  scylla: `-- What it is for. Statements end in a semicolon and can be run twice: a migration that was cut short goes on with the one it
-- stopped at. Tables are named without the keyspace.

-- down
-- What takes it back; or, instead of the line above, a line "-- no way back: why".
`,
  kafka: json({ about: 'What it is for.', topics: [] }),
  minio: json({ about: 'What it is for.', bucket: 'images' }),
  milvus: json({ about: 'What it is for.', fields: [] }),
};
