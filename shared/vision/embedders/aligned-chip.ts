import * as z from 'zod';
import { inTurns } from '../in-turns.ts';
import type { Chips, Embedder, OpenEmbedder } from '../kinds.ts';
import { channelTables } from '../letterbox.ts';
import { fillPlanes } from '../planes.ts';

/**
 * Networks that take an aligned face and answer with its template: ArcFace, MobileFaceNet, SFace, FaceNet, dlib's ResNet.
 * They differ only in the chip's size and in how they want its numbers.
 *
 * [Note: Views of a face]
 * Adding up the embeddings of two crops, one of them mirrored, makes a clearly better template for twice the work. dlib's network, FNIR at
 * FPIR 1 %: one crop 22.4 %, with its mirror image 19.3 %, with the mirror image enlarged by 8 % 18.0 %, all four together 17.4 %.
 */
const optionsSchema = z.strictObject({
  side: z.int().min(32).max(512),
  color: z.enum(['rgb', 'bgr']),
  /** In the order of `color`, on the scale 0..255. */
  mean: z.tuple([z.number(), z.number(), z.number()]),
  std: z.tuple([z.number().positive(), z.number().positive(), z.number().positive()]),
  /** Crops whose embeddings are added up: each costs a run. See: [Note: Views of a face] */
  views: z
    .array(z.strictObject({ zoom: z.number().min(0.5).max(2).default(1), mirrored: z.boolean().default(false) }))
    .min(1)
    .default([{ zoom: 1, mirrored: false }]),
});
type ChipOptions = z.input<typeof optionsSchema>;

/** Chips in one run: enough to amortise the way to the thread, few enough to let others in between. */
const chipsPerRun = 4;

/** `defaults` are those of the family; the pack's options go before them. */
export function openAlignedChip(
  { network, options, dimension }: Parameters<OpenEmbedder>[0],
  defaults: ChipOptions,
): Embedder {
  const contract = optionsSchema.parse({ ...defaults, ...(options as object) });
  const { side, views } = contract;
  const plane = side * side;
  const tables = channelTables(contract);

  /** Embeddings of `count` chips from `first`, before normalisation. */
  async function runChips(chips: Chips, first: number, count: number, signal?: AbortSignal): Promise<Float32Array> {
    const input = new Float32Array(3 * plane * count);
    for (let i = 0; i < count; i++) {
      const chip = { pixels: chips.pixels, from: 3 * plane * (first + i), side };
      const { mirrored } = views[(first + i) % views.length]!;
      fillPlanes(chip, tables, { bgr: contract.color === 'bgr', mirrored }, input, 3 * plane * i);
    }
    const [output] = Object.values(await network.run(input, [count, 3, side, side], { signal }));
    if (output?.data.length !== count * dimension) {
      throw new Error(`The embedder answered ${output?.dims.join(' x ')} numbers, expected ${count} x ${dimension}.`);
    }
    return output.data;
  }

  return {
    side,
    dimension,
    views,
    async embed(chips, { signal } = {}) {
      // A single face's views go to different threads; many faces go in runs of a few.
      const perRun = chips.count > 2 * chipsPerRun ? chipsPerRun : 1;
      const starts = Array.from({ length: Math.ceil(chips.count / perRun) }, (_, i) => i * perRun);
      const runs = await inTurns(starts, (first) =>
        runChips(chips, first, Math.min(perRun, chips.count - first), signal),
      );
      return Array.from({ length: chips.count / views.length }, (_, face) => {
        const sum = new Float32Array(dimension);
        for (let chip = face * views.length; chip < (face + 1) * views.length; chip++) {
          const data = runs[Math.floor(chip / perRun)]!;
          const offset = (chip % perRun) * dimension;
          for (let d = 0; d < dimension; d++) sum[d]! += data[offset + d]!;
        }
        return normalise(sum);
      });
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
