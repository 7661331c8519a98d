import { randomBytes, randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { type FakeClock, fakeClock } from '../testing/fake-clock.ts';
import { newTenant } from '../testing/record-factories.ts';
import type { Images } from './images.ts';
import type { Tenant } from './tenant.ts';

/**
 * Every promise of `Images`. `reopen` closes the store and opens the same data again. `writtenBy`: whether the times of the listing are
 * those of the given clock or of a server.
 */
export function imagesContract({
  name,
  open,
  writtenBy = 'clock',
}: {
  name: string;
  writtenBy?: 'clock' | 'server';
  open: (clock: FakeClock) => Promise<{ images: Images; reopen(): Promise<Images> }>;
}) {
  const setUp = async () => {
    const clock = fakeClock();
    return { clock, tenant: newTenant(), ...(await open(clock)) };
  };

  describe(name, () => {
    it('When bytes are put, then the same bytes are returned, only for their key and tenant', async () => {
      const { images, tenant } = await setUp();
      const bytes = randomBytes(100_000);

      await images.put(tenant, 'Photo_1.jpg', bytes);

      expect(Buffer.from((await images.get(tenant, 'Photo_1.jpg'))!).equals(bytes)).toBe(true);
      expect(await images.get(tenant, 'photo_1.jpg')).toBeNull();
      expect(await images.get(newTenant(), 'Photo_1.jpg')).toBeNull();
    });

    it('When a key is put again, then the new bytes replace the old ones', async () => {
      const { images, tenant } = await setUp();
      await images.put(tenant, 'key', Buffer.from('old and longer'));

      await images.put(tenant, 'key', Buffer.from('new'));

      expect(await textOf(images, tenant, 'key')).toBe('new');
      expect((await keysOf(images, tenant)).map(({ key }) => key)).toEqual(['key']);
    });

    it('When no byte or a single byte is put, then the same bytes are returned', async () => {
      const { images, tenant } = await setUp();

      await images.put(tenant, 'empty', new Uint8Array());
      await images.put(tenant, 'one', new Uint8Array([7]));

      expect([...(await images.get(tenant, 'empty'))!]).toEqual([]);
      expect([...(await images.get(tenant, 'one'))!]).toEqual([7]);
    });

    it('When the store gives a link, then it leads to these bytes only, with the requested headers', async () => {
      const { images, tenant } = await setUp();
      const bytes = randomBytes(1000);
      await images.put(tenant, 'key', bytes);
      const form = { expiresSeconds: 60, contentType: 'image/png', disposition: 'attachment; filename="a.png"' };

      const link = await images.link(tenant, 'key', form);

      if (link === null) return;
      const answer = await fetch(link);
      const headers = ['content-type', 'content-disposition', 'cache-control'].map((each) => answer.headers.get(each));
      expect(headers).toEqual(['image/png', form.disposition, 'private, no-store']);
      expect(Buffer.from(await answer.arrayBuffer()).equals(bytes)).toBe(true);
      const elsewhere = new URL(link);
      elsewhere.pathname += 'x';
      expect((await fetch(elsewhere)).status).toBe(403);
      expect((await fetch(link, { method: 'DELETE' })).status).toBe(403);
    });

    it('When a key is deleted, then it cannot be read any more, and the result says whether it existed', async () => {
      const { images, tenant } = await setUp();
      await images.put(tenant, 'key', Buffer.from('bytes'));

      expect(await images.delete(newTenant(), 'key')).toBe(false);
      expect(await images.delete(tenant, 'key')).toBe(true);
      expect(await images.delete(tenant, 'key')).toBe(false);

      expect(await images.get(tenant, 'key')).toBeNull();
      expect(await keysOf(images, tenant)).toEqual([]);
    });

    it('When keys are listed, then each is returned with the time of its write', async () => {
      const { images, tenant, clock } = await setUp();
      const expected: { key: string; writtenAt: number }[] = [];
      for (const key of ['a', 'A', '.', '..', 'x'.repeat(128), randomUUID(), 'a.b-c_d.']) {
        await images.put(tenant, key, Buffer.from(key));
        expected.push({ key, writtenAt: clock.now() });
        await clock.advance(1234);
      }
      const hour = 3_600_000;

      const listed = (await keysOf(images, tenant)).map(({ key, writtenAt }) => {
        if (writtenBy === 'clock') return { key, writtenAt };
        expect(Math.abs(Date.now() - writtenAt)).toBeLessThan(hour);
        return expected.find((each) => each.key === key);
      });

      expect(listed).toHaveLength(expected.length);
      expect(listed).toEqual(expect.arrayContaining(expected));
      for (const { key } of expected) expect(await textOf(images, tenant, key)).toBe(key);
    });

    it('When a key does not have the allowed form, then it is a RangeError', async () => {
      const { images, tenant } = await setUp();

      for (const key of ['', 'a/b', '../x', 'ä', 'a b', 'x'.repeat(129), 'a\0']) {
        await expect(images.put(tenant, key, Buffer.from('x'))).rejects.toThrow(RangeError);
        await expect(images.get(tenant, key)).rejects.toThrow(RangeError);
        await expect(images.delete(tenant, key)).rejects.toThrow(RangeError);
      }
    });

    it('When several callers put one key at once, then the bytes of one of them are stored completely', async () => {
      const { images, tenant } = await setUp();
      const texts = Array.from({ length: 20 }, (_, i) => String(i).repeat(10_000 + i));

      await Promise.all(texts.map((text) => images.put(tenant, 'key', Buffer.from(text))));

      expect(texts).toContain(await textOf(images, tenant, 'key'));
    });

    it('When the signal is already aborted, then the call rejects with its reason and changes nothing', async () => {
      const { images, tenant } = await setUp();
      await images.put(tenant, 'key', Buffer.from('old'));
      const signal = AbortSignal.abort(new Error('gone'));

      await expect(images.put(tenant, 'key', Buffer.from('new'), { signal })).rejects.toThrow('gone');
      await expect(images.delete(tenant, 'key', { signal })).rejects.toThrow('gone');

      expect(await textOf(images, tenant, 'key')).toBe('old');
    });

    it('When the store is reopened, then the bytes are still there', async () => {
      const { images, tenant, reopen } = await setUp();
      await images.put(tenant, 'key', Buffer.from('bytes'));

      const again = await reopen();

      expect(await textOf(again, tenant, 'key')).toBe('bytes');
    });
  });
}

const textOf = async (images: Images, tenant: Tenant, key: string) =>
  Buffer.from((await images.get(tenant, key))!).toString();

async function keysOf(images: Images, tenant: Tenant) {
  const found: { key: string; writtenAt: number }[] = [];
  for await (const entry of images.keys(tenant)) found.push(entry);
  return found;
}
