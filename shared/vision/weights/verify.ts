import { type ModelFile, type Pack, packFiles } from '../pack.ts';
import { isIntact, sizeOf } from './files.ts';
import { findPack, PackError, type PackPlaces } from './packs.ts';

/**
 * Checks that every file of the pack exists and has its SHA-256, and returns the pack with absolute paths. It builds and downloads
 * nothing: a function that scales from zero must start fast, and its image does not contain the code that builds weights. Errors:
 * PackError.
 */
export async function verifyPack(name: string, places: PackPlaces): Promise<Pack> {
  const pack = await findPack(name, places);
  for (const file of packFiles(pack)) if (!(await isIntact(file.path, file))) throw await missingFile(pack, file);
  return pack;
}

/** An error that names the missing or changed file, and says how to get it. */
export async function missingFile(pack: Pack, file: ModelFile): Promise<PackError> {
  const problem = (await sizeOf(file.path)) === null ? 'is missing' : 'has changed';
  const remedy = file.source.startsWith('npm:')
    ? 'Run `npm run models`'
    : `Put the file there (SHA-256 ${file.sha256}, ${file.bytes} bytes), or run \`npm run models -- add ${pack.name} --from DIR\``;
  return new PackError(
    `The file ${file.path} of the model pack ${pack.name} ${problem}. Its source: ${file.source}. ${remedy}.`,
  );
}
