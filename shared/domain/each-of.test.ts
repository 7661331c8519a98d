import { expect, it } from 'vitest';
import { eachOf } from './each-of.ts';

const turn = () => new Promise((resolve) => setImmediate(resolve));

it('When items end in another order, then the results keep the order of the items, and the limit is kept', async () => {
  let [working, most] = [0, 0];

  const results = await eachOf([3, 1, 2, 0, 4], 2, async (item, index) => {
    most = Math.max(most, ++working);
    for (let i = 0; i < item; i++) await turn();
    working--;
    return [item, index];
  });

  expect(results).toEqual([
    [3, 0],
    [1, 1],
    [2, 2],
    [0, 3],
    [4, 4],
  ]);
  expect(most).toBe(2);
});

it('When one item fails, then the call rejects with its error, running items end, and no more items start', async () => {
  const begun: number[] = [];

  const result = eachOf([0, 1, 2, 3, 4, 5], 2, async (item) => {
    begun.push(item);
    await turn();
    if (item === 2) throw new Error('two');
  });

  await expect(result).rejects.toThrow('two');
  for (let i = 0; i < 10; i++) await turn();
  expect(begun).toEqual([0, 1, 2, 3]);
});
