import { type ModelFile, type Pack, packFiles } from '../pack.ts';
import { isIntact, sizeOf } from './files.ts';
import { findPack, PackError, type PackPlaces } from './packs.ts';

/**
 * The pack with absolute paths, once every file of it is there and has its SHA-256. Makes and fetches nothing: a function that scales
 * from zero must not build weights on its way up, and need not carry what builds them. Errors: PackError.
 */
export async function verifyPack(name: string, places: PackPlaces): Promise<Pack> {
  const pack = await findPack(name, places);
  for (const file of packFiles(pack)) if (!(await isIntact(file.path, file))) throw await missingFile(pack, file);
  return pack;
}

/** Says which file is missing or another one than it should be, and how to get it. */
export async function missingFile(pack: Pack, file: ModelFile): Promise<PackError> {
  const trouble =
    (await sizeOf(file.path)) === null
      ? `lacks ${file.path}`
      : `has a ${file.path} with another content than it should have`;
  const cure = file.source.startsWith('npm:')
    ? 'Run `npm run models`'
    : `Put the file there (SHA-256 ${file.sha256}, ${file.bytes} bytes), or run \`npm run models -- add ${pack.name} --from DIR\``;
  return new PackError(`The model pack ${pack.name} ${trouble}. Its source: ${file.source}. ${cure}.`);
}
