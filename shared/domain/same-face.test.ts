import { expect, it } from 'vitest';
import { isSameFace } from './same-face.ts';

const box = { left: 100, top: 100, width: 100, height: 100 };

it.each([
  ['a box half as big inside, as another network draws it', { left: 115, top: 115, width: 70, height: 72 }, true],
  ['a neighbour whose box reaches into it', { left: 180, top: 100, width: 100, height: 100 }, false],
  ['a face elsewhere', { left: 400, top: 100, width: 100, height: 100 }, false],
])('When the other box is %s, then the answer is right', (_, other, same) => {
  expect(isSameFace(box, other)).toBe(same);
  expect(isSameFace(other, box)).toBe(same);
});
