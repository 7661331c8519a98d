import { describe, expect, it } from 'vitest';
import { mainFaces } from './selection.ts';

const image = { width: 1000, height: 800 };
const face = (left: number, side: number, top = 300) => ({ left, top, width: side, height: side });

describe('mainFaces', () => {
  it('When there is no face, then there is no main face', () => {
    expect(mainFaces([], image)).toEqual([]);
  });

  it('When the other faces are clearly smaller, then the biggest is the main face', () => {
    expect(mainFaces([face(400, 200), face(100, 160)], image)).toEqual([0]);
  });

  it('When two faces have a similar size, then both are returned', () => {
    expect(mainFaces([face(500, 200), face(200, 170)], image)).toEqual([0, 1]);
  });

  it('When the edge cuts one of two faces, then the other is the main face, even if it is a little smaller', () => {
    expect(mainFaces([face(-40, 210), face(400, 200)], image)).toEqual([1]);
    expect(mainFaces([face(400, 210), face(795, 200)], image)).toEqual([0]);
    expect(mainFaces([face(400, 210), face(100, 200, 10)], image)).toEqual([0]);
  });

  it('When the edge cuts all faces, then only the size decides', () => {
    expect(mainFaces([face(-10, 200), face(820, 190)], image)).toEqual([0, 1]);
  });
});
