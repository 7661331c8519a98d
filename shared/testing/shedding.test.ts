import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { Agent, type IncomingHttpHeaders, request } from 'node:http';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest';
import { common } from '../../esbuild.config.mjs';
import { allocator } from '../runtime/allocator.ts';
import { adminKeyPath } from '../runtime/first-start.ts';
import { drawPortrait } from './portraits/index.ts';
import { temporaryFolder } from './temporary-folder.ts';
import { shareWeights } from './weights.ts';

/** Inside the repository, so that the bundle finds its packages. */
const buildFolder = fileURLToPath(new URL('../../.build/', import.meta.url));
let platformFolder: string;

beforeAll(async () => {
  mkdirSync(buildFolder, { recursive: true });
  platformFolder = mkdtempSync(join(buildFolder, 'shedding-'));
  await build({ ...common, entryPoints: ['scripts/start.ts'], outdir: platformFolder });
}, 60_000);
afterAll(() => rmSync(platformFolder, { recursive: true, force: true }));

const MB = 2 ** 20;
const parallel = 200;
/** Room for about twenty photos. The default, 256 MB, has room for a hundred, which takes half a minute to process. */
const held = 48 * MB;

it('When 200 photos of 12 megapixels arrive at once, then the excess is refused quickly, and the process keeps running within its memory limit', async () => {
  const { child, url, key } = await start({ FREEFACE_MAX_HELD_BYTES: String(held) });
  const drawn = await Promise.all(
    ['amaro', 'boris', 'chidi', 'dana'].map((person) =>
      drawPortrait({ person: person as 'amaro', size: { width: 4000, height: 3000 }, fill: 0.4 }),
    ),
  );
  // As large as photos of a phone, and each one different: decoders ignore bytes after the end of the image.
  const photo = (i: number) => Buffer.concat([drawn[i % drawn.length]!, Buffer.alloc(2 * MB, `photo ${i}`)]);
  const enroll = (i: number) => post(`${url}/api/v1/faces/enroll`, photo(i), key);
  const warmUp = await enroll(0);
  const before = peakMegabytes(child);

  const answers = await Promise.all(Array.from({ length: parallel }, (_, i) => enroll(i + 1)));
  const grown = peakMegabytes(child) - before;
  const after = await enroll(parallel + 1);

  const shed = answers.filter(({ status }) => status === 429 || status === 503);
  const enrolled = answers.filter(({ status }) => status === 201);
  expect(warmUp.status).toBe(201);
  expect(shed.length + enrolled.length).toBe(parallel);
  expect(enrolled.length).toBeGreaterThan(5);
  expect(shed.length).toBeGreaterThan(100);
  expect(shed.every(({ headers }) => Number(headers['retry-after']) >= 1)).toBe(true);
  // The slowest refusal arrives before half of the accepted photos are processed.
  const middle = enrolled.map(({ milliseconds }) => milliseconds).sort((a, b) => a - b)[enrolled.length >> 1]!;
  expect(Math.max(...shed.map(({ milliseconds }) => milliseconds))).toBeLessThan(middle);
  // Waiting photos, four photos in decoding (36 MB each, twice while they are rotated and shrunk), and garbage not yet collected.
  expect(grown).toBeLessThan(500);
  expect([after.status, child.exitCode]).toEqual([201, null]);
}, 180_000);

async function start(settings: Readonly<Record<string, string>>) {
  const dataDir = temporaryFolder();
  shareWeights(dataDir);
  const child = spawn(process.execPath, [join(platformFolder, 'start.js')], {
    env: { ...process.env, ...allocator, PORT: '0', FREEFACE_DATA: dataDir, LOG_LEVEL: 'info', ...settings },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  onTestFinished(async () => {
    child.kill('SIGKILL');
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  });
  const url = await new Promise<string>((resolve, reject) => {
    let written = '';
    child.stdout.on('data', (chunk) => {
      if (written.length < 100_000) written += String(chunk);
      const address = /ready at (http:\S+)/.exec(written)?.[1];
      if (address) resolve(address);
    });
    child.once('close', () => reject(new Error(`The platform ended before it was ready: ${written}`)));
  });
  return { child, url, key: readFileSync(adminKeyPath(dataDir), 'utf8').trim() };
}

interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly milliseconds: number;
}

const agent = new Agent({ keepAlive: false });

/** Rejects if the connection breaks before the response is read, because a client would then not know the reason. */
function post(url: string, photo: Uint8Array, key: string): Promise<Answer> {
  const began = performance.now();
  const headers = { 'content-type': 'image/jpeg', 'content-length': photo.length, 'x-api-key': key };
  return new Promise((resolve, reject) => {
    const sent = request(url, { agent, method: 'POST', headers }, (response) => {
      response.resume();
      response.on('error', reject);
      response.on('end', () =>
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers,
          milliseconds: performance.now() - began,
        }),
      );
    });
    sent.on('error', reject);
    sent.end(photo);
  });
}

/** Peak resident memory of the process, in MiB; 0 on systems other than Linux. */
function peakMegabytes({ pid }: ChildProcess): number {
  if (process.platform !== 'linux') return 0;
  return Number(/^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024;
}
