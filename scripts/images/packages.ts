import { readFileSync } from 'node:fs';
import { basename, dirname, join, relative } from 'node:path';
import type { Metafile } from 'esbuild';
import { checkLibraries, installedLibrary } from './base.ts';
import { filesUnder, type LayerFile } from './layer.ts';
import { folderOfPackage, type Part, partOfPackage } from './sbom.ts';

/** A package that stays outside the bundle, with what it needs at run time. */
export interface OutsidePackage {
  readonly name: string;
  readonly files: readonly LayerFile[];
  readonly parts: readonly Part[];
}

const platform = `${process.platform}/${process.arch}`;

/** What a package brings beyond what a running function reads: of which dependencies, and which of its files. */
const leaner: Readonly<Record<string, { readonly without?: readonly string[]; readonly only?: RegExp }>> = {
  // They serve its installation.
  'onnxruntime-node': {
    without: ['adm-zip', 'global-agent'],
    only: new RegExp(
      `^(package\\.json|dist/.*\\.js|bin/napi-v\\d+/${platform}/(libonnxruntime\\.so\\.1|[^/]+\\.node))$`,
    ),
  },
  'onnxruntime-common': { only: /^(package\.json|dist\/cjs\/.*)$/ },
  // Tells of installations.
  'swagger-ui-dist': {
    without: ['@scarf/scarf'],
    only: /^(package\.json|swagger-ui\.css|swagger-ui-bundle\.js|favicon-32x32\.png)$/,
  },
};

/** Libraries that a native module opens only when it is asked to, the way to a graphics card. They are looked for beside it. */
const opens: Readonly<Record<string, readonly string[]>> = { 'libonnxruntime.so.1': ['libvulkan.so.1'] };

const neverRead = /\.(md|map|d\.[cm]?ts|h|hpp|cc|txt|gyp)$|(^|\/)(test|docs|include|\.github)\//;

/** The packages, of `known`, that a bundle imports from outside or asks for the place of. `root` has the folder of modules. */
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
  const isOf = (path: string) => (name: string) => path === name || path.startsWith(`${name}/`);
  const names = new Set(paths.flatMap((path) => known.find(isOf(path)) ?? []));
  return Promise.all([...names].sort().map((name) => outsidePackage(name, root)));
}

/** A package with all it depends on that is installed for this machine. Throws when a native module needs what no image has. */
async function outsidePackage(name: string, root: string): Promise<OutsidePackage> {
  const folders = new Map<string, string>();
  const follow = (each: string, from: string): void => {
    const folder = folderOfPackage(each, from);
    if (folder === undefined || folders.has(folder)) return;
    folders.set(folder, each);
    const { dependencies = {}, optionalDependencies = {} } = JSON.parse(
      readFileSync(join(folder, 'package.json'), 'utf8'),
    ) as Record<string, Record<string, string> | undefined>;
    for (const next of Object.keys({ ...dependencies, ...optionalDependencies })) {
      if (!leaner[each]?.without?.includes(next)) follow(next, folder);
    }
  };
  follow(name, root);
  const files = await Promise.all(
    [...folders].map(([folder, each]) => {
      const only = leaner[each]?.only;
      const skip = (path: string) =>
        path.startsWith('node_modules/') || neverRead.test(path) || only?.test(path) === false;
      return filesUnder(folder, `app/${relative(root, folder)}`, skip);
    }),
  );
  const all = files.flat();
  const native = all.filter(({ path }) => /\.(node|so(\.\d+)*)$/.test(path));
  const beside = native.map(({ path }) => path.split('/').at(-1)!);
  for (const { path } of native) checkLibraries(join(root, path.slice('app/'.length)), beside);
  const opened = native.flatMap(({ path }) =>
    (opens[basename(path)] ?? []).flatMap((library) => installedLibrary(library, dirname(path)) ?? []),
  );
  return {
    name,
    files: [...all, ...opened.map(({ file }) => file)],
    parts: [...[...folders.keys()].map(partOfPackage), ...opened.map(({ part }) => part)],
  };
}
