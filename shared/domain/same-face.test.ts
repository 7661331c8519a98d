import { expect, it } from 'vitest';
import { isSameFace } from './same-face.ts';

const box = { left: 100, top: 100, width: 100, height: 100 };

it.each([
  ['half as big and inside, as from another network', { left: 115, top: 115, width: 70, height: 72 }, true],
  ['a neighbour that overlaps', { left: 180, top: 100, width: 100, height: 100 }, false],
  ['a distant face', { left: 400, top: 100, width: 100, height: 100 }, false],
])('When the other box is %s, then the result is right', (_, other, same) => {
  expect(isSameFace(box, other)).toBe(same);
  expect(isSameFace(other, box)).toBe(same);
});
