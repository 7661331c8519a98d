import { readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { vectorsContract } from '../../ports/vectors.contract.ts';
import { fakeClock } from '../../testing/fake-clock.ts';
import { newTenant } from '../../testing/record-factories.ts';
import { temporaryFolder } from '../../testing/temporary-folder.ts';
import { newEntry } from '../../testing/vector-factories.ts';
import { openVectors } from './vectors.ts';

vectorsContract({
  name: 'embedded vectors',
  open: async (clock) => {
    const dataDir = temporaryFolder();
    let vectors = await openVectors({ dataDir, clock });
    onTestFinished(() => vectors.close());
    return {
      vectors,
      reopen: async () => {
        await vectors.close();
        vectors = await openVectors({ dataDir, clock });
        return vectors;
      },
    };
  },
});

const clock = fakeClock();
const space = { space: 'test-128.p1', dimension: 128 };

async function setUp() {
  const dataDir = temporaryFolder();
  const vectors = await openVectors({ dataDir, clock });
  onTestFinished(() => vectors.close());
  return { dataDir, vectors, tenant: newTenant() };
}

it('When templates are stored, then templates and ids are not readable on the disk, and only the owner can read the files', async () => {
  const { dataDir, vectors, tenant } = await setUp();
  const entry = newEntry(128);

  await vectors.upsert(tenant, space, [entry]);

  const files = readdirSync(join(dataDir, 'vectors')).map((name) => join(dataDir, 'vectors', name));
  expect(files.map((file) => file.slice(-12))).toContain('templates.db');
  for (const file of files) {
    const bytes = readFileSync(file);
    expect(bytes.includes(Buffer.from(entry.embedding.buffer).subarray(0, 16)), file).toBe(false);
    expect(bytes.includes(entry.faceId), file).toBe(false);
    expect(statSync(file).mode & 0o777, file).toBe(0o600);
  }
});

it('When the key file is missing or contains another key, then opening fails and names the file', async () => {
  const { dataDir, vectors, tenant } = await setUp();
  await vectors.upsert(tenant, space, [newEntry(128)]);
  await vectors.close();
  const keyFile = join(dataDir, 'vectors.key');

  rmSync(keyFile);
  await expect(openVectors({ dataDir, clock })).rejects.toThrow(/vectors\.key is missing.*backup/);
  writeFileSync(keyFile, '0'.repeat(64), { mode: 0o600 });
  await expect(openVectors({ dataDir, clock })).rejects.toThrow(/templates\.db cannot be opened.*key/);
});

it('When the file of templates is damaged in the middle, then the error names the file', async () => {
  const { dataDir, vectors, tenant } = await setUp();
  await vectors.upsert(
    tenant,
    space,
    Array.from({ length: 600 }, () => newEntry(128)),
  );
  await vectors.close();
  const path = join(dataDir, 'vectors', 'templates.db');
  const bytes = readFileSync(path);
  bytes.fill(0xa5, Math.floor(bytes.length / 3), Math.floor((2 * bytes.length) / 3));
  writeFileSync(path, bytes);

  await expect(openVectors({ dataDir, clock })).rejects.toThrow(/templates\.db is damaged: .*backup/);
});

it('When the data folder is in use, then a second opening fails', async () => {
  const { dataDir } = await setUp();

  await expect(openVectors({ dataDir, clock })).rejects.toThrow('Another process uses this data folder');
});
