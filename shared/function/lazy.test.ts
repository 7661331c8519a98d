import { describe, expect, it } from 'vitest';
import { lazy } from './lazy.ts';

describe('lazy', () => {
  it('When opening fails, then the next call opens again, and later calls get the same handle', async () => {
    let calls = 0;
    const handle = lazy(async () => {
      calls += 1;
      if (calls === 1) throw new Error('EMFILE');
      return { calls };
    });

    await expect(handle()).rejects.toThrow('EMFILE');
    const [second, third] = await Promise.all([handle(), handle()]);

    expect(second).toEqual({ calls: 2 });
    expect(third).toBe(second);
  });
});
