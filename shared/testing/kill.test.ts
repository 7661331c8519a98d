import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openEvents } from '../adapters/embedded/events.ts';
import { openImages } from '../adapters/embedded/images.ts';
import { openRecords } from '../adapters/embedded/records.ts';
import { openVectors } from '../adapters/embedded/vectors.ts';
import { systemClock } from '../ports/clock.ts';
import { deadLetterTopic } from '../ports/dead-letter-event.ts';
import { bytesOf, enrolmentOf, entriesOf, killSpace, killSubscription, killTenant } from './kill-work.ts';
import { temporaryFolder } from './temporary-folder.ts';
import { seededRandom } from './vector-factories.ts';

/** Inside the repository, so that the child finds its packages. */
const buildFolder = fileURLToPath(new URL('../../.build/', import.meta.url));
let childFolder: string;

beforeAll(async () => {
  mkdirSync(buildFolder, { recursive: true });
  childFolder = mkdtempSync(join(buildFolder, 'kill-'));
  await build({
    entryPoints: [fileURLToPath(new URL('./kill-child.ts', import.meta.url))],
    outdir: childFolder,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    packages: 'external',
    loader: { '.sql': 'text' },
    outExtension: { '.js': '.mjs' },
  });
}, 60_000);
afterAll(() => rmSync(childFolder, { recursive: true, force: true }));

it('When the process is killed at any moment, then every acknowledged write exists and no partial write is visible', async () => {
  const dataDir = temporaryFolder();
  const random = seededRandom(20);
  const printed = new Map<string, Set<string>>();
  let first = 0;

  for (let round = 0; round < 6; round++) {
    await runAndKill(dataDir, first, 5 + Math.floor(random() * 150), printed);
    first = 1 + Math.max(0, ...numbers(printed));
    await check(dataDir, printed, first + 10);
  }
  await checkEvents(dataDir, printed);

  expect(printed.get('record-deleted')?.size).toBeGreaterThan(3);
  expect(printed.get('event')?.size).toBeGreaterThan(20);
}, 120_000);

it('When the end of a write-ahead log is lost in a power cut, then the stores open and show only complete writes', async () => {
  const killed = temporaryFolder();
  const printed = new Map<string, Set<string>>();
  await runAndKill(killed, 0, 60, printed);
  const last = 10 + Math.max(...numbers(printed));
  const random = seededRandom(21);

  for (let round = 0; round < 8; round++) {
    const dataDir = join(temporaryFolder(), 'data');
    cpSync(killed, dataDir, { recursive: true });
    for (const log of ['records.db-wal', 'events.db-wal', 'vectors/templates.db-wal']) {
      const path = join(dataDir, log);
      if (existsSync(path)) truncateSync(path, Math.floor(random() * statSync(path).size));
    }
    await check(dataDir, new Map(), last);
  }
}, 120_000);

/** Starts the child and kills it after `lines` lines of output; adds its output to `printed`. */
async function runAndKill(dataDir: string, first: number, lines: number, printed: Map<string, Set<string>>) {
  const child = spawn(process.execPath, [join(childFolder, 'kill-child.mjs'), dataDir, String(first)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exited = once(child, 'exit');
  let count = 0;
  for await (const line of createInterface({ input: child.stdout })) {
    const [word, n] = line.split(' ') as [string, string];
    printed.set(word, (printed.get(word) ?? new Set()).add(n));
    if (++count === 1) await expectLocked(dataDir);
    if (count === lines) child.kill('SIGKILL');
  }
  expect(await exited).toEqual([null, 'SIGKILL']);
}

/** While the child runs, no other process can open its data; the kernel releases the lock when the child is killed. */
async function expectLocked(dataDir: string) {
  for (const openStore of [openRecords, openVectors, openImages, openEvents]) {
    await expect(openStore({ dataDir, clock: systemClock })).rejects.toThrow('Another process uses this data folder');
  }
}

/** Opens the stores and checks every piece of work up to `last`. */
async function check(dataDir: string, printed: Map<string, Set<string>>, last: number) {
  const options = { dataDir, clock: systemClock };
  const records = await openRecords(options);
  const vectors = await openVectors(options);
  const images = await openImages(options);
  const acknowledged = (word: string, n: number) => printed.get(word)?.has(String(n)) ?? false;

  for (let n = 0; n <= last; n++) {
    const { person, image, faces } = enrolmentOf(n);
    const faceIds = faces.map((face) => face.faceId);
    const deleting = acknowledged('deleting', n);

    const bytes = await images.get(killTenant, `image-${n}`);
    if (bytes !== null) expect(bytesOf(n).equals(bytes), `image ${n}`).toBe(true);
    if (acknowledged('image', n) && !deleting) expect(bytes, `image ${n}`).not.toBeNull();
    if (acknowledged('image-deleted', n)) expect(bytes, `image ${n}`).toBeNull();

    const stored = await records.getFaces(killTenant, faceIds);
    const [storedPerson] = await records.getPersons(killTenant, [person!.personId]);
    const storedImage = await records.getImage(killTenant, image.imageId);
    const parts = [stored.length === faces.length, storedPerson?.faceCount === faces.length, storedImage !== null];
    const none = [stored.length > 0, storedPerson !== undefined, storedImage !== null];
    expect(parts.every(Boolean) || !none.some(Boolean), `record ${n}: ${parts} ${none}`).toBe(true);
    if (acknowledged('record', n) && !deleting) expect(parts, `record ${n}`).toEqual([true, true, true]);
    if (acknowledged('record-deleted', n)) expect(none, `record ${n}`).toEqual([false, false, false]);

    const entries = await vectors.get(killTenant, killSpace, faceIds);
    expect([0, faces.length], `vectors ${n}`).toContain(entries.length);
    for (const entry of entriesOf(n)) {
      const same = entries.find(({ faceId }) => faceId === entry.faceId);
      if (same !== undefined) expect(same).toEqual(entry);
    }
    if (acknowledged('vector', n) && !deleting) expect(entries, `vectors ${n}`).toHaveLength(faces.length);
    if (acknowledged('vector-deleted', n)) expect(entries, `vectors ${n}`).toEqual([]);
  }
  const outbox = new Set((await records.pendingOutbox(1_000_000)).map(({ entry }) => entry.event.id));
  for (const n of printed.get('record') ?? []) expect(outbox.has(`event-${n}`), `outbox ${n}`).toBe(true);
  expect(readdirSync(join(dataDir, 'images', '.incoming'))).toEqual([]);

  await Promise.all([records.close(), vectors.close(), images.close()]);
  await (await openEvents(options)).close();
}

/** Checks that a new group gets every acknowledged event, and the old group every event that it had not processed before the kill. */
async function checkEvents(dataDir: string, printed: Map<string, Set<string>>) {
  const events = await openEvents({ dataDir, clock: systemClock });
  const published = [...printed.get('event')!].map((n) => `event-${n}`);
  const byWorker = new Set(printed.get('seen'));
  const byNewGroup = new Set<string>();
  const collect = (seen: Set<string>) => async (event: { id: string }) => {
    seen.add(event.id);
    return { status: 204 };
  };

  const letters: string[] = [];
  await events.subscribe({ ...killSubscription, group: 'letters', topic: deadLetterTopic }, async ({ id }) => {
    letters.push(id);
    return { status: 204 };
  });
  await events.subscribe(killSubscription, collect(byWorker));
  await events.subscribe({ ...killSubscription, group: 'new-group' }, collect(byNewGroup));
  const missing = () => published.filter((id) => !byWorker.has(id) || !byNewGroup.has(id));
  for (let turn = 0; turn < 20_000 && missing().length > 0; turn++) {
    await new Promise((resolve) => setImmediate(resolve));
  }

  expect(missing()).toEqual([]);
  expect(letters).toEqual([]);
  await events.close();
}

/** Numbers of all pieces of work that were started. */
const numbers = (printed: Map<string, Set<string>>) =>
  [...printed.entries()].filter(([word]) => word !== 'seen').flatMap(([, ns]) => [...ns].map(Number));
