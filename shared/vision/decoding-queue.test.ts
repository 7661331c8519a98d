import { describe, expect, it } from 'vitest';
import { decoding, extraction } from '../domain/tuning.ts';
import { deferred } from '../testing/deferred.ts';
import { openDecodingQueue } from './decoding-queue.ts';

const photo = (bytes: number, seconds: number) => ({ cost: { bytes, seconds } });

describe('openDecodingQueue', () => {
  it('When photos that wait need more seconds than a request lasts, then the next photo is BUSY at once', async () => {
    const queue = openDecodingQueue(2);
    const gate = deferred<void>();
    const slow = photo(1, extraction.decodingSeconds);
    const accepted = [1, 2].map(() => queue.run(slow, 10, undefined, () => gate.promise));

    await expect(queue.run(slow, 10, undefined, async () => 'third')).rejects.toMatchObject({ code: 'BUSY' });

    gate.resolve();
    await Promise.all(accepted);
    expect(await queue.run(slow, 10, undefined, async () => 'later')).toBe('later');
  });

  it('When one photo alone needs more seconds, then it is accepted', async () => {
    const queue = openDecodingQueue(1);

    expect(await queue.run(photo(1, 1000), 10, undefined, async () => 'done')).toBe('done');
  });

  it('When two photos need more memory together than allowed, then they decode one after another', async () => {
    const queue = openDecodingQueue(2);
    const big = photo(0.6 * decoding.maxMemory, 1);
    let [now, most] = [0, 0];
    const decode = async () => {
      most = Math.max(most, ++now);
      await new Promise((resolve) => setImmediate(resolve));
      now -= 1;
    };

    await Promise.all([1, 2].map(() => queue.run(big, 10, undefined, (memory) => memory.run(big.cost.bytes, decode))));

    expect(most).toBe(1);
  });
});
