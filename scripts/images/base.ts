import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, realpathSync } from 'node:fs';
import { basename } from 'node:path';
import { type LayerFile, tarOf } from './layer.ts';
import type { Layer, Layout } from './layout.ts';
import { nodeVersion, pinnedNode } from './node.ts';
import type { Part } from './sbom.ts';

/** User id and group id of every process. No process runs as root. */
export const user = 65532;

/** The base of every image. */
export interface Base {
  readonly layers: readonly Layer[];
  /** Path of node in the image. */
  readonly node: string;
  /** Path of the same program on this machine, which makes the code caches. */
  readonly nodeHere: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly parts: readonly Part[];
}

/** The C library opens these when it looks up a name. So they are not in the list of libraries that node is linked with. */
const nameLookupLibraries = ['libnss_dns.so.2', 'libnss_files.so.2', 'libresolv.so.2'];
/** Native modules need these, even if node has its own copies inside. */
const moduleLibraries = ['libstdc++.so.6', 'libgcc_s.so.1', 'libm.so.6', 'libdl.so.2', 'libpthread.so.0', 'librt.so.1'];

/**
 * Makes a base from the pinned Node.js and the libraries of this machine that it needs. It has no shell, no package manager and no other program.
 * Throws an Error if this machine does not run Linux with glibc; then `--base` must name a base.
 */
export async function baseOfThisMachine(layout: Layout): Promise<Base> {
  if (process.platform !== 'linux')
    throw new Error(
      'The libraries of this machine cannot be used in an image, because they are not for Linux. Name a base with --base.',
    );
  const node = await pinnedNode(layout.folder);
  const libraries = [...new Set([...linked(node), ...[...nameLookupLibraries, ...moduleLibraries].flatMap(installed)])];
  const text = (path: string, content: string): LayerFile => ({ path, bytes: Buffer.from(content) });
  const files = [
    program('/usr/bin/node', node),
    // Stored at the path where the loader looks for them. On this machine it is often a link.
    ...libraries.map((path) => program(path, path)),
    text('etc/passwd', `root:x:0:0:root:/:/\nnonroot:x:${user}:${user}:nonroot:/tmp:/\n`),
    text('etc/group', `root:x:0:\nnonroot:x:${user}:\n`),
    text('etc/nsswitch.conf', 'hosts: files dns\n'),
  ];
  return {
    layers: [await layout.addLayer(await tarOf(files, ['tmp/']))],
    node: '/usr/bin/node',
    nodeHere: node,
    labels: { 'org.opencontainers.image.base.name': `node v${nodeVersion} and the libraries it is linked with` },
    parts: [
      {
        name: 'node',
        version: nodeVersion,
        licence: 'MIT',
        purl: `pkg:generic/node@${nodeVersion}`,
      },
      ...libraries.map(partOf),
    ],
  };
}

/** Returns the libraries that a program or native module is linked with, by the paths that the loader uses. */
function linked(file: string): string[] {
  const lines = execFileSync('ldd', [file], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).split('\n');
  return lines.flatMap((line) => /^\s*(?:\S+ => )?(\/\S+) \(0x/.exec(line)?.[1] ?? []);
}

/** Returns a library of this machine as a file for a folder of an image, and its package; undefined if this machine has none. */
export function installedLibrary(
  name: string,
  folder: string,
): { readonly file: LayerFile; readonly part: Part } | undefined {
  const [path] = [installed(name)].flat();
  return path === undefined ? undefined : { file: program(`/${folder}/${name}`, path), part: partOf(path) };
}

const program = (path: string, from: string): LayerFile => ({
  path: path.slice(1),
  bytes: readFileSync(realpathSync(from)),
  executable: true,
});

let cache: string[] | undefined;

/** Returns the path of a library in the loader's cache; an empty list if it is not there. */
function installed(name: string): string | string[] {
  cache ??= execFileSync('/sbin/ldconfig', ['-p'], { encoding: 'utf8' }).split('\n');
  const ours = process.arch === 'x64' ? 'x86-64' : 'AArch64';
  const line = cache.find((each) => each.trim().startsWith(`${name} (`) && each.includes(ours));
  return line?.split('=> ')[1]?.trim() ?? [];
}

/** Returns the Debian package of a library; only the file's name if dpkg does not know it. */
function partOf(path: string): Part {
  try {
    const run = (program: string, args: string[]) =>
      execFileSync(program, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
    const owner = [path, realpathSync(path), path.replace(/^\/lib/, '/usr/lib')].flatMap((each) => {
      try {
        return run('dpkg-query', ['--search', each]).split(':')[0] ?? [];
      } catch {
        return [];
      }
    })[0]!;
    // biome-ignore lint/suspicious/noTemplateCurlyInString: dpkg's own placeholder
    const version = run('dpkg-query', ['--show', '--showformat=${Version}', owner]);
    return { name: owner, version, purl: `pkg:deb/debian/${owner}@${encodeURIComponent(version)}` };
  } catch {
    return { name: basename(path) };
  }
}

/** Checks that the base or `siblings` has all libraries of a native module. Throws an Error that names a missing one. */
export function checkLibraries(module: string, siblings: readonly string[]): void {
  const have = new Set([...nameLookupLibraries, ...moduleLibraries, 'libc.so.6', ...siblings]);
  for (const library of existsSync(module) ? linked(module) : []) {
    const name = basename(library);
    if (!have.has(name) && !name.startsWith('ld-linux'))
      throw new Error(`${module} needs the library ${name}, which no image contains`);
  }
}
