import { expect, it } from 'vitest';
import { createFairQueue } from './fair-queue.ts';

it('When one tenant has many items, then another tenant waits for one of them, and each tenant keeps its order', () => {
  const queue = createFairQueue<string>();
  for (let i = 0; i < 1000; i++) queue.push('a', `a${i}`);
  queue.push('b', 'b0');
  queue.push('b', 'b1');

  const order = Array.from({ length: 5 }, () => queue.shift());
  queue.push('c', 'c0');
  const later = Array.from({ length: 2 }, () => queue.shift());

  expect(order).toEqual(['a0', 'b0', 'a1', 'b1', 'a2']);
  expect(later).toEqual(['a3', 'c0']);
});

it('When the queue is empty, then it returns undefined and can be used again', () => {
  const queue = createFairQueue<number>();
  queue.push('a', 1);

  expect([queue.shift(), queue.shift()]).toEqual([1, undefined]);
  queue.push('a', 2);
  expect(queue.shift()).toBe(2);
});
