import { readdir, readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import * as z from 'zod';
import { type Catalogue, catalogueSchema, type ModelFile, type Pack, packSchema } from '../pack.ts';

/** A pack is unknown or incomplete, or its description is malformed. The message is for people. */
export class PackError extends Error {
  override readonly name = 'PackError';
}

/** Folders with packs. */
export interface PackPlaces {
  /** The `models` folder of the repository, with models.json. */
  readonly modelsDir: string;
  /** FREEFACE_DATA. Its `models` folder contains the model files, and one folder for each added pack. */
  readonly dataDir: string;
}

export interface KnownPack {
  /** The paths of its files are absolute. */
  readonly pack: Pack;
  /** `added`: a user added it to this data folder. */
  readonly origin: 'catalogue' | 'added';
}

/** Folder of the model files. */
export const weightsDir = (dataDir: string): string => resolve(dataDir, 'models');

/** Returns the pack with this name. An added pack replaces a catalogue pack with the same name. Errors: PackError. */
export async function findPack(name: string, places: PackPlaces): Promise<Pack> {
  const known = await listPacks(places);
  const found = known.find(({ pack }) => pack.name === name);
  if (found) return found.pack;
  const template = (await readCatalogue(places)).templates.some((candidate) => candidate.name === name);
  if (template)
    throw new PackError(`The pack ${name} needs your own model files. See \`npm run models -- show ${name}\`.`);
  throw new PackError(`There is no model pack ${name}. There are: ${known.map(({ pack }) => pack.name).join(', ')}.`);
}

/** Returns all packs, those of the catalogue first. Errors: PackError when a description is malformed. */
export async function listPacks(places: PackPlaces): Promise<KnownPack[]> {
  const { dataDir } = places;
  const catalogue = await readCatalogue(places);
  const added: Pack[] = [];
  for (const folder of await readdir(weightsDir(dataDir)).catch(() => [])) {
    const path = packFilePath(dataDir, folder);
    const text = await readFile(path, 'utf8').catch(() => null);
    if (text !== null) added.push(parseAs(packSchema, path, text));
  }
  const names = new Set(added.map(({ name }) => name));
  const own = catalogue.packs.filter(({ name }) => !names.has(name));
  return [
    ...own.map((pack) => ({ pack: withAbsolutePaths(pack, dataDir), origin: 'catalogue' as const })),
    ...added.map((pack) => ({ pack: withAbsolutePaths(pack, dataDir), origin: 'added' as const })),
  ];
}

/** Reads models.json. Errors: PackError when it is malformed; the error of `readFile` when it is missing. */
export async function readCatalogue({ modelsDir }: Pick<PackPlaces, 'modelsDir'>): Promise<Catalogue> {
  const path = join(modelsDir, 'models.json');
  return parseAs(catalogueSchema, path, await readFile(path, 'utf8'));
}

/** Path of the description of an added pack. */
export const packFilePath = (dataDir: string, name: string): string => join(weightsDir(dataDir), name, 'pack.json');

/** Parses JSON and checks it against `schema`. Errors: PackError that names `path` and each wrong field. */
export function parseAs<Schema extends z.ZodType>(schema: Schema, path: string, text: string): z.infer<Schema> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new PackError(`${path} is not JSON: ${(cause as Error).message}`, { cause });
  }
  const parsed = schema.safeParse(value);
  if (!parsed.success) throw new PackError(`${path} is malformed:\n${z.prettifyError(parsed.error)}`);
  return parsed.data;
}

function withAbsolutePaths(pack: Pack, dataDir: string): Pack {
  const locate = <Component extends { file: ModelFile }>(component: Component): Component => ({
    ...component,
    file: { ...component.file, path: resolve(weightsDir(dataDir), component.file.path) },
  });
  return {
    ...pack,
    detector: locate(pack.detector),
    secondDetector: pack.secondDetector && locate(pack.secondDetector),
    landmarker: pack.landmarker && locate(pack.landmarker),
    embedder: locate(pack.embedder),
  };
}
