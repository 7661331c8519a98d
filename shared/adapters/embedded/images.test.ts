import { copyFileSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { imagesContract } from '../../ports/images.contract.ts';
import { fakeClock } from '../../testing/fake-clock.ts';
import { newTenant } from '../../testing/record-factories.ts';
import { temporaryFolder } from '../../testing/temporary-folder.ts';
import { openImages } from './images.ts';
import { openKeyFile } from './key-file.ts';

imagesContract({
  name: 'embedded images',
  open: async (clock) => {
    const dataDir = temporaryFolder();
    let images = await openImages({ dataDir, clock });
    onTestFinished(() => images.close());
    return {
      images,
      reopen: async () => {
        await images.close();
        images = await openImages({ dataDir, clock });
        return images;
      },
    };
  },
});

const clock = fakeClock();

async function setUp() {
  const dataDir = temporaryFolder();
  const images = await openImages({ dataDir, clock });
  onTestFinished(() => images.close());
  const tenant = newTenant();
  const files = () =>
    readdirSync(join(dataDir, 'images'), { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.image'))
      .map((name) => join(dataDir, 'images', name));
  return { dataDir, images, tenant, files };
}

it('When an image is stored, then its bytes are not readable on the disk, and only the owner can read the file and the key', async () => {
  const { dataDir, images, tenant, files } = await setUp();
  const text = 'a recognisable sequence of bytes';

  await images.put(tenant, 'key', Buffer.from(text));

  const [file] = files();
  expect(readFileSync(file!).includes(text)).toBe(false);
  expect(statSync(file!).mode & 0o777).toBe(0o600);
  expect(statSync(join(dataDir, 'image.key')).mode & 0o777).toBe(0o600);
  expect(statSync(join(file!, '..')).mode & 0o777).toBe(0o700);
  expect(readdirSync(join(dataDir, 'images', '.incoming'))).toEqual([]);
});

it('When a file is damaged anywhere, cut off or empty, then reading is IMAGE_STORE_DAMAGED', async () => {
  const { images, tenant, files } = await setUp();
  await images.put(tenant, 'key', Buffer.from('twelve bytes'));
  const [file] = files();
  const whole = readFileSync(file!);

  for (let i = 0; i < whole.length; i++) {
    const changed = Buffer.from(whole);
    changed[i]! ^= 1;
    writeFileSync(file!, changed);
    await expect(images.get(tenant, 'key'), `byte ${i}`).rejects.toMatchObject({ code: 'IMAGE_STORE_DAMAGED' });
    writeFileSync(file!, whole.subarray(0, i));
    await expect(images.get(tenant, 'key'), `${i} bytes`).rejects.toMatchObject({ code: 'IMAGE_STORE_DAMAGED' });
  }
});

it('When files are swapped between keys or tenants, then reading is IMAGE_STORE_DAMAGED', async () => {
  const { images, tenant, files } = await setUp();
  const other = newTenant();
  await images.put(tenant, 'a', Buffer.from('bytes'));
  const [a] = files();
  await images.put(tenant, 'b', Buffer.from('bytes'));
  const b = files().find((file) => file !== a);
  await images.put(other, 'a', Buffer.from('bytes'));
  const foreign = files().find((file) => file !== a && file !== b);

  copyFileSync(a!, b!);
  copyFileSync(a!, foreign!);

  await expect(images.get(tenant, 'b')).rejects.toMatchObject({ code: 'IMAGE_STORE_DAMAGED' });
  await expect(images.get(other, 'a')).rejects.toMatchObject({ code: 'IMAGE_STORE_DAMAGED' });
  expect(Buffer.from((await images.get(tenant, 'a'))!).toString()).toBe('bytes');
});

it('When images exist but the key file is missing, then opening says what to do and creates no new key', async () => {
  const { dataDir, images, tenant } = await setUp();
  await images.put(tenant, 'key', Buffer.from('bytes'));
  await images.close();
  rmSync(join(dataDir, 'image.key'));

  await expect(openImages({ dataDir, clock })).rejects.toThrow(/image\.key is missing.*backup/);

  expect(readdirSync(dataDir)).not.toContain('image.key');
});

it('When the key file is wrong, damaged or readable by other users, then the error says so', async () => {
  const { dataDir, images, tenant } = await setUp();
  await images.put(tenant, 'key', Buffer.from('bytes'));
  await images.close();
  const keyFile = join(dataDir, 'image.key');

  writeFileSync(keyFile, `${'0'.repeat(64)}\n`);
  const withOtherKey = await openImages({ dataDir, clock });
  await expect(withOtherKey.get(tenant, 'key')).rejects.toThrow('another key');
  await withOtherKey.close();
  writeFileSync(keyFile, 'short');
  await expect(openImages({ dataDir, clock })).rejects.toThrow('is damaged');
  rmSync(keyFile);
  writeFileSync(keyFile, '0'.repeat(64), { mode: 0o644 });
  await expect(openImages({ dataDir, clock })).rejects.toThrow('can be read by other users');
});

it('When many callers create the key file at once, then all get the same key and no other file is left', async () => {
  const folder = temporaryFolder();

  const keys = await Promise.all(Array.from({ length: 10 }, () => openKeyFile(join(folder, 'k'), async () => false)));

  expect(new Set(keys.map(({ secret }) => secret.toString('hex'))).size).toBe(1);
  expect(readdirSync(folder)).toEqual(['k']);
});

it('When a crash left a half-written file, then opening deletes it and no key lists it', async () => {
  const { dataDir, images, tenant } = await setUp();
  await images.close();
  writeFileSync(join(dataDir, 'images', '.incoming', 'abcdef'), 'half');

  const again = await openImages({ dataDir, clock });
  onTestFinished(() => again.close());

  expect(readdirSync(join(dataDir, 'images', '.incoming'))).toEqual([]);
  const keys: string[] = [];
  for await (const { key } of again.keys(tenant)) keys.push(key);
  expect(keys).toEqual([]);
});

it('When the data folder is in use, then a second opening fails', async () => {
  const { dataDir } = await setUp();

  await expect(openImages({ dataDir, clock })).rejects.toThrow('Another process uses this data folder');
});

it('When the disk refuses a write, then the call is STORE_UNAVAILABLE and no file is left', async () => {
  const { dataDir, images, tenant, files } = await setUp();
  await images.put(tenant, 'key', Buffer.from('bytes'));
  const [file] = files();
  rmSync(join(dataDir, 'images', '.incoming'), { recursive: true });

  await expect(images.put(tenant, 'key', Buffer.from('new'))).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });

  expect(files()).toEqual([file]);
  expect(Buffer.from((await images.get(tenant, 'key'))!).toString()).toBe('bytes');
});
