import { setImmediate as breathe } from 'node:timers/promises';
import type { Box, Size } from '../domain/geometry.ts';
import { levelFor, type Pyramid, rowsPerTurn } from './pyramid.ts';
import type { Raster } from './raster.ts';

/** Normalisation of a network's input: `(value - mean) / std` for each channel, one plane after another (NCHW). */
export interface InputContract {
  readonly color: 'rgb' | 'bgr';
  /** One value for each channel in the order of `color`, on the scale 0..255, like `std`. */
  readonly mean: readonly [number, number, number];
  readonly std: readonly [number, number, number];
}

/** Position of the raster in a network's input, in pixels: `input = raster * scale + offset`. */
export interface Placement {
  readonly scale: number;
  readonly offsetX: number;
  readonly offsetY: number;
}

/**
 * Draws the raster into a network input at `placement`, with bilinear sampling from the pyramid level that avoids aliasing.
 *
 * Result: 3 planes of `size.height` x `size.width` normalised numbers (shape 3 x H x W). Pixels outside the raster are 0, which is
 * the channel mean before normalisation. `room` returns the array to draw into, for a given length; the content of that array is
 * overwritten.
 */
export async function letterbox(
  pyramid: Pyramid,
  contract: InputContract,
  size: { readonly width: number; readonly height: number },
  placement: Placement,
  room: (length: number) => Float32Array<ArrayBuffer> = (length) => new Float32Array(length),
): Promise<Float32Array<ArrayBuffer>> {
  const out = room(3 * size.width * size.height).fill(0);
  const level = levelFor(placement.scale);
  const raster = await pyramid.level(level);
  const step = 1 / (placement.scale * 2 ** level);
  const { first, last } = span(raster.height, size.height, placement.offsetY, step);
  const chunk = rowsPerTurn(size.width);
  for (let row = first; row < last; row += chunk) {
    if (row > first) await breathe();
    drawRows(raster, step, contract, size, placement, { first: row, last: Math.min(row + chunk, last) }, out);
  }
  return out;
}

/** Draws `rows` of the input. `step` is raster pixels per input pixel. See: [Note: Pixel loops outside async functions] */
function drawRows(
  { pixels, width, height }: Raster,
  step: number,
  contract: InputContract,
  size: Size,
  placement: Placement,
  rows: Span,
  out: Float32Array,
): void {
  const plane = size.width * size.height;
  const tables = channelTables(contract);
  const swap = contract.color === 'bgr';
  const red = swap ? 2 * plane : 0;
  const blue = swap ? 0 : 2 * plane;
  const columnOf = span(width, size.width, placement.offsetX, step);
  const plain = step === 1 && Number.isInteger(placement.offsetX) && Number.isInteger(placement.offsetY);
  for (let y = rows.first; y < rows.last; y++) {
    const sourceY = Math.min(Math.max((y + 0.5 - placement.offsetY) * step - 0.5, 0), height - 1);
    const top = sourceY | 0;
    const fy = sourceY - top;
    const upper = 3 * width * top;
    const lower = top + 1 < height ? upper + 3 * width : upper;
    let to = y * size.width + columnOf.first;
    if (plain) {
      // The fast path: most photos are smaller than the input and are drawn unscaled.
      let from = upper + 3 * (columnOf.first - placement.offsetX);
      for (const end = to + columnOf.last - columnOf.first; to < end; to++, from += 3) {
        out[to + red] = tables.red[pixels[from]!]!;
        out[to + plane] = tables.green[pixels[from + 1]!]!;
        out[to + blue] = tables.blue[pixels[from + 2]!]!;
      }
      continue;
    }
    for (let x = columnOf.first; x < columnOf.last; x++, to++) {
      const sourceX = Math.min(Math.max((x + 0.5 - placement.offsetX) * step - 0.5, 0), width - 1);
      const left = sourceX | 0;
      const fx = sourceX - left;
      const a = upper + 3 * left;
      const c = lower + 3 * left;
      const right = left + 1 < width ? 3 : 0;
      const wa = (1 - fx) * (1 - fy);
      const wb = fx * (1 - fy);
      const wc = (1 - fx) * fy;
      const wd = fx * fy;
      const r = wa * pixels[a]! + wb * pixels[a + right]! + wc * pixels[c]! + wd * pixels[c + right]!;
      const g = wa * pixels[a + 1]! + wb * pixels[a + right + 1]! + wc * pixels[c + 1]! + wd * pixels[c + right + 1]!;
      const b = wa * pixels[a + 2]! + wb * pixels[a + right + 2]! + wc * pixels[c + 2]! + wd * pixels[c + right + 2]!;
      out[to + red] = r * tables.scale.red + tables.shift.red;
      out[to + plane] = g * tables.scale.green + tables.shift.green;
      out[to + blue] = b * tables.scale.blue + tables.shift.blue;
    }
  }
}

/** Indices from `first` up to, but not including, `last`. */
interface Span {
  readonly first: number;
  readonly last: number;
}

/** Rows or columns of the input whose centres lie on the raster. */
function span(source: number, target: number, offset: number, step: number): Span {
  return {
    first: Math.max(0, Math.ceil(offset - 0.5)),
    last: Math.min(target, Math.ceil(offset + source / step - 0.5)),
  };
}

/** The normalisation of an InputContract by colour, whatever its channel order. */
export interface ChannelTables {
  /** Normalised value of each byte 0..255. */
  readonly red: Float32Array;
  readonly green: Float32Array;
  readonly blue: Float32Array;
  /** The same as `value * scale + shift`, for interpolated values. */
  readonly scale: { readonly red: number; readonly green: number; readonly blue: number };
  readonly shift: { readonly red: number; readonly green: number; readonly blue: number };
}

const knownTables = new WeakMap<InputContract, ChannelTables>();

/** Returns the tables of a contract. They are computed once for each contract object. */
export function channelTables(contract: InputContract): ChannelTables {
  const tables = knownTables.get(contract) ?? makeTables(contract);
  knownTables.set(contract, tables);
  return tables;
}

function makeTables({ color, mean, std }: InputContract): ChannelTables {
  const order = color === 'rgb' ? ([0, 1, 2] as const) : ([2, 1, 0] as const);
  const [red, green, blue] = order.map((i) => ({ scale: 1 / std[i], shift: -mean[i] / std[i] })) as [
    { scale: number; shift: number },
    { scale: number; shift: number },
    { scale: number; shift: number },
  ];
  const table = ({ scale, shift }: { scale: number; shift: number }) =>
    Float32Array.from({ length: 256 }, (_, value) => value * scale + shift);
  return {
    red: table(red),
    green: table(green),
    blue: table(blue),
    scale: { red: red.scale, green: green.scale, blue: blue.scale },
    shift: { red: red.shift, green: green.shift, blue: blue.shift },
  };
}

/**
 * Places the whole picture in the centre of an input. The longer side of the picture gets `side` pixels, or fewer to keep its scale
 * at most `maxEnlargement`. The input is larger by the factor `room`, and its sides are rounded up to a multiple of `multiple`.
 */
export function wholePicture(
  { width, height }: Size,
  { side, room, multiple, maxEnlargement }: { side: number; room: number; multiple: number; maxEnlargement: number },
): { readonly size: Size; readonly placement: Placement } {
  const scale = Math.min(side / Math.max(width, height), maxEnlargement);
  const padded = (length: number) => Math.ceil((length * scale * room) / multiple) * multiple;
  const size = { width: padded(width), height: padded(height) };
  // Whole pixels: an unscaled picture then needs no interpolation.
  const offsetX = Math.floor((size.width - width * scale) / 2);
  const offsetY = Math.floor((size.height - height * scale) / 2);
  return { size, placement: { scale, offsetX, offsetY } };
}

/** Places one face in the centre of a square input of `side` pixels. The longer side of its box gets `face` pixels. */
export function alone(box: Box, side: number, face: number): { readonly size: Size; readonly placement: Placement } {
  const scale = face / Math.max(box.width, box.height);
  const offsetX = side / 2 - (box.left + box.width / 2) * scale;
  const offsetY = side / 2 - (box.top + box.height / 2) * scale;
  return { size: { width: side, height: side }, placement: { scale, offsetX, offsetY } };
}
