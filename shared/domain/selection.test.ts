import { describe, expect, it } from 'vitest';
import { mainFaces } from './selection.ts';

const image = { width: 1000, height: 800 };
const face = (left: number, side: number, top = 300) => ({ left, top, width: side, height: side });

describe('mainFaces', () => {
  it('When there is no face, then none is meant', () => {
    expect(mainFaces([], image)).toEqual([]);
  });

  it('When the others are clearly smaller, then the biggest is meant', () => {
    expect(mainFaces([face(400, 200), face(100, 160)], image)).toEqual([0]);
  });

  it('When two are of similar size, then it is unclear', () => {
    expect(mainFaces([face(500, 200), face(200, 170)], image)).toEqual([0, 1]);
  });

  it('When one of two is cut by the edge, then the whole one is meant, even if it is a little smaller', () => {
    expect(mainFaces([face(-40, 210), face(400, 200)], image)).toEqual([1]);
    expect(mainFaces([face(400, 210), face(795, 200)], image)).toEqual([0]);
    expect(mainFaces([face(400, 210), face(100, 200, 10)], image)).toEqual([0]);
  });

  it('When all are cut by the edge, then the rule of size alone holds', () => {
    expect(mainFaces([face(-10, 200), face(820, 190)], image)).toEqual([0, 1]);
  });
});
