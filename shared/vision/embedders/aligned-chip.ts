import * as z from 'zod';
import type { Chips, Embedder, OpenEmbedder } from '../kinds.ts';
import { channelTables } from '../letterbox.ts';

/**
 * Networks that take an aligned face and answer with its template: ArcFace, MobileFaceNet, SFace, FaceNet, dlib's ResNet.
 * They differ only in the chip's size and in how they want its numbers.
 */
const optionsSchema = z.strictObject({
  side: z.int().min(32).max(512),
  color: z.enum(['rgb', 'bgr']),
  /** In the order of `color`, on the scale 0..255. */
  mean: z.tuple([z.number(), z.number(), z.number()]),
  std: z.tuple([z.number().positive(), z.number().positive(), z.number().positive()]),
  /** Adds the embedding of the mirrored face: twice the work for a clearly better template. */
  mirror: z.boolean().default(false),
});
type ChipOptions = z.input<typeof optionsSchema>;

/** Faces in one run: enough to amortise the way to the thread, few enough to let others in between. */
const facesPerRun = 4;

/** `defaults` are those of the family; the pack's options go before them. */
export function openAlignedChip(
  { network, options, dimension }: Parameters<OpenEmbedder>[0],
  defaults: ChipOptions,
): Embedder {
  const contract = optionsSchema.parse({ ...defaults, ...(options as object) });
  const { side, mirror } = contract;
  const plane = side * side;
  const tables = channelTables(contract);
  const redPlane = contract.color === 'rgb' ? 0 : 2 * plane;
  const bluePlane = contract.color === 'rgb' ? 2 * plane : 0;

  /** Planes of one chip, as it is or mirrored. */
  function planar(chips: Chips, index: number, mirrored: boolean, out: Float32Array, offset: number): void {
    const { pixels } = chips;
    let from = 3 * plane * index;
    for (let y = 0; y < side; y++) {
      let to = offset + y * side + (mirrored ? side - 1 : 0);
      const step = mirrored ? -1 : 1;
      for (let x = 0; x < side; x++, from += 3, to += step) {
        out[to + redPlane] = tables.red[pixels[from]!]!;
        out[to + plane] = tables.green[pixels[from + 1]!]!;
        out[to + bluePlane] = tables.blue[pixels[from + 2]!]!;
      }
    }
  }

  async function runChips(chips: Chips, first: number, count: number, mirrored: boolean, signal?: AbortSignal) {
    const input = new Float32Array(3 * plane * count);
    for (let i = 0; i < count; i++) planar(chips, first + i, mirrored, input, 3 * plane * i);
    const outputs = Object.values(await network.run(input, [count, 3, side, side], { signal }));
    const output = outputs[0];
    if (!output || output.data.length !== count * dimension) {
      throw new Error(`The embedder answered ${output?.dims.join(' x ')} numbers, expected ${count} x ${dimension}.`);
    }
    return output.data;
  }

  return {
    side,
    dimension,
    async embed(chips, { signal } = {}) {
      const runs: Promise<{ data: Float32Array; first: number; count: number }>[] = [];
      for (let first = 0; first < chips.count; first += facesPerRun) {
        const count = Math.min(facesPerRun, chips.count - first);
        for (const mirrored of mirror ? [false, true] : [false]) {
          runs.push(runChips(chips, first, count, mirrored, signal).then((data) => ({ data, first, count })));
        }
      }
      const sums = Array.from({ length: chips.count }, () => new Float32Array(dimension));
      for (const { data, first, count } of await Promise.all(runs)) {
        for (let i = 0; i < count; i++) {
          const sum = sums[first + i]!;
          for (let d = 0; d < dimension; d++) sum[d]! += data[i * dimension + d]!;
        }
      }
      return sums.map(normalise);
    },
  };
}

/** Divides by the L2 norm, in place. */
function normalise(vector: Float32Array): Float32Array {
  let square = 0;
  for (const value of vector) square += value * value;
  const factor = square > 0 ? 1 / Math.sqrt(square) : 0;
  for (let i = 0; i < vector.length; i++) vector[i]! *= factor;
  return vector;
}
