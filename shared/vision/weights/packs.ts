import { readdir, readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import * as z from 'zod';
import { type Catalogue, catalogueSchema, type ModelFile, type Pack, packSchema } from '../pack.ts';

/** A pack that is not known, not complete or not well described. The message is for people. */
export class PackError extends Error {
  override readonly name = 'PackError';
}

/** Where packs are looked for. */
export interface PackPlaces {
  /** The repository's `models` folder, with models.json in it. */
  readonly modelsDir: string;
  /** FREEFACE_DATA: weights lie in its `models` folder, a pack that was added in a folder of its own there. */
  readonly dataDir: string;
}

export interface KnownPack {
  /** Its files' paths are absolute. */
  readonly pack: Pack;
  /** `added`: by its user, for this data folder only. */
  readonly origin: 'catalogue' | 'added';
}

/** Folder of the weights. */
export const weightsDir = (dataDir: string): string => resolve(dataDir, 'models');

/** A pack by name; one that was added goes before one of the catalogue. Errors: PackError. */
export async function findPack(name: string, places: PackPlaces): Promise<Pack> {
  const known = await listPacks(places);
  const found = known.find(({ pack }) => pack.name === name);
  if (found) return found.pack;
  const template = (await readCatalogue(places)).templates.some((candidate) => candidate.name === name);
  if (template)
    throw new PackError(`The pack ${name} needs model files of your own: see \`npm run models -- show ${name}\`.`);
  throw new PackError(`There is no model pack ${name}. There are: ${known.map(({ pack }) => pack.name).join(', ')}.`);
}

/** Every pack that can be named, those of the catalogue first. Errors: PackError for a file that is not well-formed. */
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

/** models.json. Errors: PackError. */
export async function readCatalogue({ modelsDir }: Pick<PackPlaces, 'modelsDir'>): Promise<Catalogue> {
  const path = join(modelsDir, 'models.json');
  return parseAs(catalogueSchema, path, await readFile(path, 'utf8'));
}

/** Where the description of a pack that was added lies. */
export const packFilePath = (dataDir: string, name: string): string => join(weightsDir(dataDir), name, 'pack.json');

/** `text` as JSON of that form. Errors: PackError that names `path` and each field that is wrong. */
export function parseAs<Schema extends z.ZodType>(schema: Schema, path: string, text: string): z.infer<Schema> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new PackError(`${path} is not JSON: ${(cause as Error).message}`, { cause });
  }
  const parsed = schema.safeParse(value);
  if (!parsed.success) throw new PackError(`${path} is not well-formed:\n${z.prettifyError(parsed.error)}`);
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
