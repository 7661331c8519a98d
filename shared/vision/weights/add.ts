import { constants } from 'node:fs';
import { copyFile, rename, rm } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import * as z from 'zod';
import type { Network } from '../network.ts';
import { type DescribedPack, type ModelFile, type Pack, packFiles, packSchema } from '../pack.ts';
import { detectors, embedders, landmarkers } from '../registry.ts';
import { originOf } from './ensure.ts';
import { dropPart, sha256OfFile, sizeOf, startPart, writeWhole } from './files.ts';
import { listPacks, PackError, type PackPlaces, packFilePath, parseAs, weightsDir } from './packs.ts';

type Component = DescribedPack['detector'];

export interface AddOptions extends PackPlaces {
  /** Folder to which the paths in the description are relative. */
  readonly from: string;
  /** Use the files in their present place instead of copying them. */
  readonly link?: boolean;
}

/**
 * Adds a pack with a user's model files to a data folder: hashes the files, copies them, and then writes the description. Adding the
 * same name again replaces the pack. Errors: PackError.
 */
export async function addPack(described: DescribedPack, options: AddOptions): Promise<Pack> {
  await refuseTakenName(described.name, options);
  checkKinds(described);
  const take = async <Part extends Component>(component: Part) => ({
    ...component,
    file: await takeFile(described.name, component.file, options),
  });
  const pack = {
    ...described,
    detector: await take(described.detector),
    secondDetector: described.secondDetector && (await take(described.secondDetector)),
    landmarker: described.landmarker && (await take(described.landmarker)),
    embedder: await take(described.embedder),
  };
  const text = `${JSON.stringify(pack, null, 2)}\n`;
  const path = packFilePath(options.dataDir, pack.name);
  const checked = parseAs(packSchema, path, text);
  await writeWhole(path, Buffer.from(text));
  return checked;
}

/**
 * Removes an added pack and its copied files. For a pack of the catalogue, deletes only the files that no other pack uses. Errors:
 * PackError when there is no such pack.
 */
export async function removePack(name: string, places: PackPlaces): Promise<void> {
  const known = await listPacks(places);
  const found = known.find(({ pack }) => pack.name === name);
  if (!found) throw new PackError(`There is no model pack ${name}.`);
  if (found.origin === 'added') return rm(join(weightsDir(places.dataDir), name), { recursive: true, force: true });
  const others = new Set(
    known.filter((other) => other !== found).flatMap(({ pack }) => packFiles(pack).map(({ path }) => path)),
  );
  for (const { path } of packFiles(found.pack)) if (!others.has(path)) await rm(path, { force: true });
}

/** Checks that each kind exists and accepts its options. Runs no network. Errors: PackError. */
function checkKinds(pack: DescribedPack): void {
  const network: Network = {
    ready: async () => undefined,
    input: (length) => new Float32Array(length),
    run: () => Promise.reject(new Error('This network is not open.')),
  };
  const check = <Open>(
    part: string,
    kinds: Readonly<Record<string, Open>>,
    component: Component | null,
    open: (kind: Open) => unknown,
  ) => {
    if (component === null) return;
    const kind = kinds[component.kind];
    const names = Object.keys(kinds).join(', ');
    if (!kind) throw new PackError(`${part}.kind: ${component.kind} does not exist. Use one of ${names}.`);
    try {
      open(kind);
    } catch (error) {
      if (!(error instanceof z.ZodError)) throw error;
      throw new PackError(`${part}.options are wrong for ${component.kind}:\n${z.prettifyError(error)}`);
    }
  };
  const { detector, secondDetector, landmarker, embedder } = pack;
  check('detector', detectors, detector, (open) => open({ network, options: detector.options }));
  check('secondDetector', detectors, secondDetector, (open) => open({ network, options: secondDetector?.options }));
  check('landmarker', landmarkers, landmarker, (open) => open({ network, options: landmarker?.options }));
  const { options, dimension } = embedder;
  check('embedder', embedders, embedder, (open) => open({ network, options, dimension }));
}

/** Checks that onnxruntime can load the file, so that the user learns of an error now and not when the server starts. */
async function checkLoads(path: string): Promise<void> {
  const { InferenceSession } = await import('onnxruntime-node');
  try {
    const session = await InferenceSession.create(path);
    await session.release();
  } catch (cause) {
    throw new PackError(`The model file ${path} cannot be loaded: ${(cause as Error).message}`, { cause });
  }
}

async function refuseTakenName(name: string, places: PackPlaces): Promise<void> {
  const taken = (await listPacks(places)).find(({ pack, origin }) => pack.name === name && origin === 'catalogue');
  if (taken && packFiles(taken.pack).every((file) => originOf(file) !== 'user')) {
    throw new PackError(`${name} is the name of a pack in the catalogue. Use another name.`);
  }
}

async function takeFile(name: string, file: Component['file'], options: AddOptions): Promise<ModelFile> {
  const source = resolve(options.from, file.path);
  const bytes = await sizeOf(source);
  if (bytes === null) throw new PackError(`The model file ${source} does not exist.`);
  const sha256 = await sha256OfFile(source);
  if (file.sha256 !== undefined && file.sha256 !== sha256) {
    throw new PackError(`The model file ${source} has SHA-256 ${sha256}, expected ${file.sha256}.`);
  }
  await checkLoads(source);
  if (options.link) return { ...file, path: source, sha256, bytes };
  const relative = join(name, basename(file.path));
  await copyWhole(source, join(weightsDir(options.dataDir), relative));
  return { ...file, path: relative, sha256, bytes };
}

async function copyWhole(from: string, to: string): Promise<void> {
  const part = await startPart(to);
  try {
    await copyFile(from, part, constants.COPYFILE_FICLONE);
    await rename(part, to);
  } finally {
    await dropPart(part);
  }
}
