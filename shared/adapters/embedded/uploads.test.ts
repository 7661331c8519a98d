import { mkdirSync, renameSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { systemClock } from '../../ports/clock.ts';
import { defaultTenant } from '../../ports/tenant.ts';
import { uploadsContract } from '../../ports/uploads.contract.ts';
import { temporaryFolder } from '../../testing/temporary-folder.ts';
import { openUploads } from './uploads.ts';

let clock = 1_700_000_000;

/** Writes a file with an old time; each write is one second later than the last. */
function put(root: string, name: string, bytes: Uint8Array | string): void {
  const file = join(root, name);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, bytes);
  clock += 1;
  utimesSync(file, clock, clock);
}

async function setUp() {
  const [dataDir, root] = [temporaryFolder(), join(temporaryFolder(), 'watched')];
  mkdirSync(root);
  const open = async () => {
    const uploads = await openUploads({ dataDir, clock: systemClock, watchDir: root, finishedAfterMs: 20 });
    onTestFinished(() => uploads.close());
    return uploads;
  };
  return { root, dataDir, open, uploads: await open() };
}

uploadsContract({
  name: 'watched folder',
  open: async () => {
    const { root, uploads } = await setUp();
    return {
      uploads,
      metadata: false,
      put: async (tenant, path, bytes) => put(root, `${tenant}/${path}`, bytes),
      remove: async (tenant, path) => rmSync(join(root, tenant, path)),
      vanish: async () => renameSync(root, `${root}-away`),
    };
  },
});

describe('the watched folder', () => {
  it('When a link leads out of the folder, then its target is not found', async () => {
    const { root, uploads } = await setUp();
    const secret = join(temporaryFolder(), 'secret.jpg');
    writeFileSync(secret, 'secret');
    mkdirSync(join(root, 'ada'));
    symlinkSync(secret, join(root, 'ada/1.jpg'));

    const listed = [];
    for await (const file of uploads.files()) listed.push(file);

    expect(await uploads.find(defaultTenant, 'ada/1.jpg')).toBeNull();
    expect(listed).toEqual([]);
  });

  it('When a file was written just now, then it is listed as unfinished', async () => {
    const { root, open } = await setUp();
    put(root, 'ada/old.jpg', 'old');
    writeFileSync(join(root, 'ada/new.jpg'), 'new');
    const future = Date.now() / 1000 + 60;
    utimesSync(join(root, 'ada/new.jpg'), future, future);

    const listed: Record<string, string | null> = {};
    for await (const { path, version } of (await open()).files()) listed[path] = version;

    expect(listed).toEqual({ 'ada/old.jpg': expect.any(String), 'ada/new.jpg': null });
  });

  it('When another folder replaces it, then it is STORE_UNAVAILABLE until the marker in the data folder is deleted', async () => {
    const { root, dataDir, open } = await setUp();
    put(root, 'ada/1.jpg', 'one');
    renameSync(root, `${root}-away`);
    mkdirSync(root);
    put(root, 'grace/1.jpg', 'one');

    const before = await (await open()).find(defaultTenant, 'grace/1.jpg').catch((error: Error) => error);
    rmSync(join(dataDir, 'watched-folder'));
    const after = await (await open()).find(defaultTenant, 'grace/1.jpg');

    expect(before).toMatchObject({ code: 'STORE_UNAVAILABLE', message: expect.stringContaining('watched-folder') });
    expect(after).toMatchObject({ bytes: 3 });
  });

  it('When the folder does not exist, then the error names it', async () => {
    const opening = openUploads({ dataDir: temporaryFolder(), clock: systemClock, watchDir: '/nowhere/photos' });

    await expect(opening).rejects.toThrow('there is no folder /nowhere/photos');
  });

  it('When no folder is configured, then uploads are disabled', async () => {
    const uploads = await openUploads({ dataDir: temporaryFolder(), clock: systemClock, watchDir: null });

    expect([uploads.enabled, await uploads.find(defaultTenant, 'ada/1.jpg')]).toEqual([false, null]);
  });
});
