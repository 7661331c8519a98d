import { describe, expect, it } from 'vitest';
import { channelTables, letterbox } from './letterbox.ts';
import { levelFor, pyramidOf } from './pyramid.ts';
import type { Raster } from './raster.ts';
import { warpChip } from './warp.ts';

/** A raster whose pixels have the colour that `colour` returns for their centres. */
function paint(width: number, height: number, colour: (x: number, y: number) => [number, number, number]): Raster {
  const pixels = new Uint8Array(3 * width * height);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) pixels.set(colour(x + 0.5, y + 0.5), 3 * (y * width + x));
  }
  return { pixels, width, height };
}
/** Red grows with x, green with y. */
const slope = paint(100, 80, (x, y) => [2 * x, 3 * y, 50]);
const plain = { color: 'rgb', mean: [0, 0, 0], std: [1, 1, 1] } as const;

describe('pyramidOf', () => {
  it('When a level is read twice, then it has the means of squares and is computed once', async () => {
    const pyramid = pyramidOf(slope);

    const quarter = await pyramid.level(2);

    expect([quarter.width, quarter.height]).toEqual([25, 20]);
    expect(quarter.pixels[0]).toBeCloseTo(4, 0);
    expect(await pyramid.level(2)).toBe(quarter);
  });

  it.each([
    [2, 0],
    [1, 0],
    [0.51, 0],
    [0.5, 1],
    [0.26, 1],
    [0.25, 2],
    [0.01, 6],
  ])('When the scale is %d, then level %d shrinks by less than two', (scale, level) => {
    expect(levelFor(scale)).toBe(level);
  });

  it('When a large raster is halved or drawn, then the event loop gets turns in between', async () => {
    const pyramid = pyramidOf({ pixels: new Uint8Array(3 * 2048 * 1536), width: 2048, height: 1536 });
    let turns = 0;
    const count = () => {
      turns++;
      next = setImmediate(count);
    };
    let next = setImmediate(count);

    await pyramid.level(1);
    const halving = turns;
    await letterbox(pyramid, plain, { width: 1280, height: 960 }, { scale: 0.625, offsetX: 0, offsetY: 0 });
    clearImmediate(next);

    expect(halving).toBeGreaterThanOrEqual(5);
    expect(turns - halving).toBeGreaterThanOrEqual(8);
  });

  it('When a raster is a single row, then it can still be halved', async () => {
    const row = paint(9, 1, () => [30, 60, 90]);

    const half = await pyramidOf(row).level(3);

    expect(half).toEqual({ width: 1, height: 1, pixels: Uint8Array.of(30, 60, 90) });
  });
});

describe('warpChip', () => {
  it.each([
    ['at scale 1', { a: 1, b: 0, tx: -30, ty: -20 }],
    ['rotated', { a: 0.6, b: 0.8, tx: 5, ty: -40 }],
    ['enlarged', { a: 3, b: 0.5, tx: -100, ty: -90 }],
    ['shrunk', { a: 0.3, b: 0.05, tx: 0, ty: 0 }],
  ])('When a slope is sampled %s, then each pixel has the colour of its position', async (_how, toChip) => {
    const side = 20;
    const chip = new Uint8Array(3 * side * side);

    await warpChip(pyramidOf(slope), toChip, side, chip);

    const square = toChip.a ** 2 + toChip.b ** 2;
    for (const [u, v] of [
      [10.5, 10.5],
      [4.5, 12.5],
    ] as const) {
      const x = (toChip.a * (u - toChip.tx) + toChip.b * (v - toChip.ty)) / square;
      const y = (toChip.a * (v - toChip.ty) - toChip.b * (u - toChip.tx)) / square;
      if (x < 2 || y < 2 || x > 98 || y > 78) continue;
      const at = 3 * (Math.floor(v) * side + Math.floor(u));
      expect(Math.abs(chip[at]! - 2 * x)).toBeLessThan(2);
      expect(Math.abs(chip[at + 1]! - 3 * y)).toBeLessThan(2.5);
      expect(chip[at + 2]).toBe(50);
    }
  });

  it('When the chip reaches over the edge, then the pixels outside are black and show no other row', async () => {
    const white = paint(10, 10, () => [255, 255, 255]);
    const chip = new Uint8Array(3 * 30 * 30);

    await warpChip(pyramidOf(white), { a: 1, b: 0, tx: 10, ty: 10 }, 30, chip);

    const bright = Array.from({ length: 900 }, (_, i) => i).filter((i) => chip[3 * i]! > 0);
    expect(bright.every((i) => i % 30 >= 10 && i % 30 < 20 && i >= 300 && i < 600)).toBe(true);
    expect(bright).toHaveLength(100);
  });

  it('When a checkerboard is shrunk to a tenth, then the result is uniform grey', async () => {
    const board = paint(400, 400, (x, y) => ((Math.floor(x) + Math.floor(y)) % 2 ? [255, 255, 255] : [0, 0, 0]));
    const chip = new Uint8Array(3 * 40 * 40);

    await warpChip(pyramidOf(board), { a: 0.1, b: 0, tx: 0, ty: 0 }, 40, chip);

    expect(Math.min(...chip)).toBeGreaterThan(120);
    expect(Math.max(...chip)).toBeLessThan(136);
  });

  it('When an edge is enlarged with bicubic, then it is steeper than with bilinear, and no value leaves 0..255', async () => {
    const edge = paint(20, 20, (x) => (x < 10 ? [0, 0, 0] : [255, 255, 255]));
    const toChip = { a: 4, b: 0, tx: -20, ty: -20 };
    const chips = { bilinear: new Uint8Array(3 * 40 * 40), bicubic: new Uint8Array(3 * 40 * 40) };

    for (const sampling of ['bilinear', 'bicubic'] as const)
      await warpChip(pyramidOf(edge), toChip, 40, chips[sampling], { sampling });

    const row = (chip: Uint8Array) => Array.from({ length: 40 }, (_, u) => chip[3 * (20 * 40 + u)]!);
    const rise = (values: number[]) => Math.max(...values.slice(1).map((value, i) => value - values[i]!));
    expect(rise(row(chips.bicubic))).toBeGreaterThan(rise(row(chips.bilinear)));
    expect(
      row(chips.bicubic)
        .slice(0, 12)
        .every((value) => value === 0),
    ).toBe(true);
    expect(
      row(chips.bicubic)
        .slice(28)
        .every((value) => value === 255),
    ).toBe(true);
  });

  it('When a slope is sampled with bicubic, then it is the same slope as with bilinear', async () => {
    const toChip = { a: 0.6, b: 0.8, tx: 5, ty: -40 };
    const [one, other] = [new Uint8Array(3 * 20 * 20), new Uint8Array(3 * 20 * 20)];

    await warpChip(pyramidOf(slope), toChip, 20, one);
    await warpChip(pyramidOf(slope), toChip, 20, other, { sampling: 'bicubic' });

    const inner = Array.from({ length: 100 }, (_, i) => 3 * (20 * (5 + Math.floor(i / 10)) + 5 + (i % 10)));
    expect(Math.max(...inner.map((at) => Math.abs(one[at]! - other[at]!)))).toBeLessThanOrEqual(1);
  });

  it('When an offset is given, then the bytes before it do not change', async () => {
    const chips = new Uint8Array(2 * 3 * 4 * 4).fill(7);

    await warpChip(pyramidOf(slope), { a: 1, b: 0, tx: 0, ty: 0 }, 4, chips, { offset: 48 });

    expect(chips.subarray(0, 48).every((value) => value === 7)).toBe(true);
    expect(chips[48 + 2]).toBe(50);
  });
});

describe('letterbox', () => {
  it('When the raster is placed unscaled, then its pixels are normalised in planes, and the rest is zero', async () => {
    const dot = paint(2, 1, (x) => (x < 1 ? [10, 20, 30] : [40, 50, 60]));
    const contract = { color: 'rgb', mean: [10, 10, 10], std: [2, 2, 2] } as const;

    const input = await letterbox(
      pyramidOf(dot),
      contract,
      { width: 4, height: 2 },
      { scale: 1, offsetX: 1, offsetY: 1 },
      (length) => new Float32Array(length).fill(9),
    );

    expect(Array.from(input)).toEqual([0, 0, 0, 0, 0, 0, 15, 0, 0, 0, 0, 0, 0, 5, 20, 0, 0, 0, 0, 0, 0, 10, 25, 0]);
  });

  it('When the contract is BGR, then planes and means are in BGR order', async () => {
    const dot = paint(1, 1, () => [10, 20, 30]);
    const contract = { color: 'bgr', mean: [1, 2, 3], std: [1, 1, 1] } as const;

    const input = await letterbox(
      pyramidOf(dot),
      contract,
      { width: 1, height: 1 },
      { scale: 1, offsetX: 0, offsetY: 0 },
    );

    expect(Array.from(input)).toEqual([29, 18, 7]);
  });

  it.each([1.5, 0.7, 0.2])('When the scale is %d, then positions in input and raster correspond', async (scale) => {
    const size = { width: 160, height: 128 };

    const input = await letterbox(pyramidOf(slope), plain, size, { scale, offsetX: 3, offsetY: 2 });

    const [x, y] = [Math.floor(50 * scale) + 3, Math.floor(40 * scale) + 2];
    const red = input[y * 160 + x]!;
    const green = input[160 * 128 + y * 160 + x]!;
    expect(Math.abs(red - (2 * (x + 0.5 - 3)) / scale)).toBeLessThan(2);
    expect(Math.abs(green - (3 * (y + 0.5 - 2)) / scale)).toBeLessThan(3);
  });
});

describe('channelTables', () => {
  it('When a value is read from a table, then it equals value * scale + shift', () => {
    const tables = channelTables({ color: 'bgr', mean: [104, 117, 123], std: [2, 4, 8] });

    expect(tables.red[200]).toBeCloseTo((200 - 123) / 8, 5);
    expect(tables.blue[200]).toBeCloseTo((200 - 104) / 2, 5);
    expect(200 * tables.scale.green + tables.shift.green).toBeCloseTo(tables.green[200]!, 5);
  });
});
