import { setImmediate as breathe } from 'node:timers/promises';
import type { Box, Size } from '../domain/geometry.ts';
import { levelFor, type Pyramid, rowsPerTurn } from './pyramid.ts';
import type { Raster } from './raster.ts';

/** How a network wants its numbers: `(value - mean) / std` for each channel, planes one after another (NCHW). */
export interface InputContract {
  readonly color: 'rgb' | 'bgr';
  /** In the order of `color`, on the scale 0..255. */
  readonly mean: readonly [number, number, number];
  readonly std: readonly [number, number, number];
}

/** Where the photo lies in a network's input: `input = raster * scale + offset`. */
export interface Placement {
  readonly scale: number;
  readonly offsetX: number;
  readonly offsetY: number;
}

/**
 * Draws the raster into a planar float input of `width` x `height`, as `placement` says; what lies outside the photo gets
 * the value of the channel means (0 after normalisation), which no network takes for a face. `room` is where it is drawn.
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

/** See: [Note: Loops stand in functions of their own] */
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
      // Most photos are smaller than the input: nothing to interpolate.
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

/** `last` is the first one that is no longer meant. */
interface Span {
  readonly first: number;
  readonly last: number;
}

/** Output rows or columns that the photo covers. */
function span(source: number, target: number, offset: number, step: number): Span {
  return {
    first: Math.max(0, Math.ceil(offset - 0.5)),
    last: Math.min(target, Math.ceil(offset + source / step - 0.5)),
  };
}

export interface ChannelTables {
  /** Normalised value of each of the 256 inputs. */
  readonly red: Float32Array;
  readonly green: Float32Array;
  readonly blue: Float32Array;
  /** The same as a line, `value * scale + shift`, for interpolated ones. */
  readonly scale: { readonly red: number; readonly green: number; readonly blue: number };
  readonly shift: { readonly red: number; readonly green: number; readonly blue: number };
}

const knownTables = new WeakMap<InputContract, ChannelTables>();

/** Made once for each contract object. */
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

/** The whole picture in the middle of an input, its longer side `side` pixels long, with `room` around it as a factor. */
export function wholePicture(
  { width, height }: Size,
  { side, room, multiple, maxEnlargement }: { side: number; room: number; multiple: number; maxEnlargement: number },
): { readonly size: Size; readonly placement: Placement } {
  const scale = Math.min(side / Math.max(width, height), maxEnlargement);
  const padded = (length: number) => Math.ceil((length * scale * room) / multiple) * multiple;
  const size = { width: padded(width), height: padded(height) };
  // Whole pixels, so that an unscaled picture needs no interpolation.
  const offsetX = Math.floor((size.width - width * scale) / 2);
  const offsetY = Math.floor((size.height - height * scale) / 2);
  return { size, placement: { scale, offsetX, offsetY } };
}

/** One face in the middle of a square input of `side` pixels, its box's longer side `face` pixels long. */
export function alone(box: Box, side: number, face: number): { readonly size: Size; readonly placement: Placement } {
  const scale = face / Math.max(box.width, box.height);
  const offsetX = side / 2 - (box.left + box.width / 2) * scale;
  const offsetY = side / 2 - (box.top + box.height / 2) * scale;
  return { size: { width: side, height: side }, placement: { scale, offsetX, offsetY } };
}
