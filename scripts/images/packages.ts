import { readFileSync } from 'node:fs';
import { basename, dirname, join, relative } from 'node:path';
import type { Metafile } from 'esbuild';
import { checkLibraries, installedLibrary } from './base.ts';
import { filesUnder, type LayerFile } from './layer.ts';
import { folderOfPackage, type Part, partOfPackage } from './sbom.ts';

/** A package that stays outside the bundle, with the files that it needs at run time. */
export interface OutsidePackage {
  readonly name: string;
  readonly files: readonly LayerFile[];
  readonly parts: readonly Part[];
}

const platform = `${process.platform}/${process.arch}`;

/** Packages with parts that a running function does not read. `without`: unused dependencies. `only`: the files in use. */
const reductions: Readonly<Record<string, { readonly without?: readonly string[]; readonly only?: RegExp }>> = {
  // Its installer uses these dependencies.
  'onnxruntime-node': {
    without: ['adm-zip', 'global-agent'],
    only: new RegExp(
      `^(package\\.json|dist/.*\\.js|bin/napi-v\\d+/${platform}/(libonnxruntime\\.so\\.1|[^/]+\\.node))$`,
    ),
  },
  // The WebAssembly build, with its licence.
  'libheif-js': { only: /^(package\.json|LICENSE|libheif-wasm\/(LICENSE|libheif\.(js|wasm)))$/ },
  'onnxruntime-common': { only: /^(package\.json|dist\/cjs\/.*)$/ },
  // The dependency only reports installations to its authors.
  'swagger-ui-dist': {
    without: ['@scarf/scarf'],
    only: /^(package\.json|swagger-ui\.css|swagger-ui-bundle\.js|favicon-32x32\.png)$/,
  },
};

/** Libraries that a native module opens only on request, here to reach a graphics card. It looks for them in its own folder. */
const optionalLibraries: Readonly<Record<string, readonly string[]>> = { 'libonnxruntime.so.1': ['libvulkan.so.1'] };

const neverRead = /\.(md|map|d\.[cm]?ts|h|hpp|cc|txt|gyp)$|(^|\/)(test|docs|include|\.github)\//;

/** Returns the packages of `known` that a bundle imports from outside or resolves. `root`: the folder with node_modules. */
export function packagesOutside(
  { outputs }: Metafile,
  source: string,
  root: string,
  known: readonly string[],
): Promise<OutsidePackage[]> {
  const paths = Object.values(outputs).flatMap(({ imports }) =>
    imports.filter(({ external }) => external === true).map(({ path }) => path),
  );
  for (const [, path] of source.matchAll(/\.resolve\("([^"]+)"\)/g)) paths.push(path!);
  const belongsTo = (path: string) => (name: string) => path === name || path.startsWith(`${name}/`);
  const names = new Set(paths.flatMap((path) => known.find(belongsTo(path)) ?? []));
  return Promise.all([...names].sort().map((name) => outsidePackage(name, root)));
}

/** Returns a package with its installed dependencies. Throws an Error if a native module needs a library that no image contains. */
async function outsidePackage(name: string, root: string): Promise<OutsidePackage> {
  const folders = new Map<string, string>();
  const addPackage = (each: string, from: string): void => {
    const folder = folderOfPackage(each, from);
    if (folder === undefined || folders.has(folder)) return;
    folders.set(folder, each);
    const { dependencies = {}, optionalDependencies = {} } = JSON.parse(
      readFileSync(join(folder, 'package.json'), 'utf8'),
    ) as Record<string, Record<string, string> | undefined>;
    for (const next of Object.keys({ ...dependencies, ...optionalDependencies })) {
      if (!reductions[each]?.without?.includes(next)) addPackage(next, folder);
    }
  };
  addPackage(name, root);
  const files = await Promise.all(
    [...folders].map(([folder, each]) => {
      const only = reductions[each]?.only;
      const skip = (path: string) =>
        path.startsWith('node_modules/') || neverRead.test(path) || only?.test(path) === false;
      return filesUnder(folder, `app/${relative(root, folder)}`, skip);
    }),
  );
  const all = files.flat();
  const native = all.filter(({ path }) => /\.(node|so(\.\d+)*)$/.test(path));
  const siblings = native.map(({ path }) => path.split('/').at(-1)!);
  for (const { path } of native) checkLibraries(join(root, path.slice('app/'.length)), siblings);
  const opened = native.flatMap(({ path }) =>
    (optionalLibraries[basename(path)] ?? []).flatMap((library) => installedLibrary(library, dirname(path)) ?? []),
  );
  return {
    name,
    files: [...all, ...opened.map(({ file }) => file)],
    parts: [...[...folders.keys()].map(partOfPackage), ...opened.map(({ part }) => part)],
  };
}
