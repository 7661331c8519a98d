import { describe, expect, it } from 'vitest';
import { openBudget } from './budget.ts';

const turn = () => new Promise((resolve) => setImmediate(resolve));

/** Runs tasks of these weights. `begun` lists the weights of the tasks that have started; `end` ends the oldest of them. */
function work(total: number, weights: readonly number[]) {
  const budget = openBudget(total);
  const begun: number[] = [];
  const ends: (() => void)[] = [];
  const done = weights.map((weight) =>
    budget.run(weight, () => {
      begun.push(weight);
      return new Promise<void>((resolve) => void ends.push(resolve));
    }),
  );
  return { budget, begun, done, end: () => ends.shift()!() };
}

describe('openBudget', () => {
  it('When tasks fit together, then they run at the same time; when not, then they wait in order', async () => {
    const { begun, end } = work(10, [4, 5, 3, 1]);
    await turn();
    const atFirst = [...begun];

    end();
    await turn();

    expect(atFirst).toEqual([4, 5]);
    expect(begun).toEqual([4, 5, 3, 1]);
  });

  it('When a task is heavier than the total, then it runs alone', async () => {
    const { begun, end } = work(10, [1, 99, 1]);
    await turn();
    const atFirst = [...begun];

    end();
    await turn();
    const then = [...begun];
    end();
    await turn();

    expect([atFirst, then, begun]).toEqual([[1], [1, 99], [1, 99, 1]]);
  });

  it('When a waiting task is aborted, then it never runs and lighter tasks behind it start', async () => {
    const { budget, begun } = work(10, [6]);
    const stop = new AbortController();
    const aborted = budget.run(9, async () => void begun.push(9), stop.signal);
    const behind = budget.run(2, async () => void begun.push(2));
    await turn();

    stop.abort(new Error('gone'));

    await expect(aborted).rejects.toThrow('gone');
    await behind;
    expect(begun).toEqual([6, 2]);
  });

  it('When a task fails, then its weight is free again', async () => {
    const budget = openBudget(1);

    await expect(budget.run(1, () => Promise.reject(new Error('broken')))).rejects.toThrow('broken');

    expect(await budget.run(1, async () => 'next')).toBe('next');
  });
});
