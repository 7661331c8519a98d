import { describe, expect, it } from 'vitest';
import { inTurns } from './in-turns.ts';

const turn = () => new Promise((resolve) => setImmediate(resolve));

describe('inTurns', () => {
  it('When items end in another order, then the results are in the order of the items', async () => {
    const items = Array.from({ length: 40 }, (_, i) => i);

    const results = await inTurns(items, async (item) => {
      for (let i = 0; i < (item * 7) % 5; i++) await turn();
      return item * 2;
    });

    expect(results).toEqual(items.map((item) => item * 2));
  });

  it('When there are many items, then only a few are processed at the same time', async () => {
    let working = 0;
    let most = 0;

    await inTurns(Array.from({ length: 100 }), async () => {
      most = Math.max(most, ++working);
      await turn();
      working--;
    });

    expect(most).toBeGreaterThan(1);
    expect(most).toBeLessThanOrEqual(8);
  });

  it('When one item fails, then the call rejects with its error and starts no more items', async () => {
    const begun: number[] = [];

    const result = inTurns(
      Array.from({ length: 100 }, (_, i) => i),
      async (item) => {
        begun.push(item);
        await turn();
        if (item === 3) throw new Error('three');
      },
    );

    await expect(result).rejects.toThrow('three');
    await turn();
    expect(begun.length).toBeLessThan(30);
  });

  it('When there are no items, then the result is empty', async () => {
    expect(await inTurns([], async () => 1)).toEqual([]);
  });
});
