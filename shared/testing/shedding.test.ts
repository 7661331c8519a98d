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

/** Inside the repository, so that what is built finds its packages. */
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
/** Room for about twenty of the photos: the default, 256 MB, takes a hundred, which is half a minute's work. */
const held = 48 * MB;

it('When 200 photos of 12 megapixels come at once, then what is too much is told so quickly, and the process lives on in bounds', async () => {
  const { child, url, key } = await start({ FREEFACE_MAX_HELD_BYTES: String(held) });
  const drawn = await Promise.all(
    ['amaro', 'boris', 'chidi', 'dana'].map((person) =>
      drawPortrait({ person: person as 'amaro', size: { width: 4000, height: 3000 }, fill: 0.4 }),
    ),
  );
  // As large as a telephone makes them, and each another: decoders heed nothing behind the end of a picture.
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
  // The slowest refusal comes before half of the photos have been worked through.
  const middle = enrolled.map(({ milliseconds }) => milliseconds).sort((a, b) => a - b)[enrolled.length >> 1]!;
  expect(Math.max(...shed.map(({ milliseconds }) => milliseconds))).toBeLessThan(middle);
  // Photos that wait, four that are being decoded (36 MB each, twice while they are turned and shrunk), and what the collector leaves.
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
    child.once('close', () => reject(new Error(`It ended before it was ready: ${written}`)));
  });
  return { child, url, key: readFileSync(adminKeyPath(dataDir), 'utf8').trim() };
}

interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly milliseconds: number;
}

const agent = new Agent({ keepAlive: false });

/** Fails when the connection breaks before the answer is read: then the client would not know why. */
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

/** The most that the process has held in memory. 0 where the system does not tell. */
function peakMegabytes({ pid }: ChildProcess): number {
  if (process.platform !== 'linux') return 0;
  return Number(/^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024;
}
