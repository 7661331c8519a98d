import * as z from 'zod';
import { inTurns } from '../in-turns.ts';
import type { Chips, Embedder, OpenEmbedder, View } from '../kinds.ts';
import { channelTables } from '../letterbox.ts';
import { fillPlanes } from '../planes.ts';

/**
 * Networks that take an aligned face and answer with its template: ArcFace, MobileFaceNet, SFace, FaceNet, dlib's ResNet.
 * They differ only in the chip's size and in how they want its numbers.
 *
 * [Note: Views of a face]
 * Adding up the embeddings of two crops, one of them mirrored, makes a clearly better template for twice the work. dlib's network, FNIR at
 * FPIR 1 %: one crop 22.4 %, with its mirror image 19.3 %, with the mirror image enlarged by 8 % 18.0 %, all four together 17.4 %.
 * A margin-loss network hardly needs that of both sides. MobileFaceNet (mean of 60 trials on Labeled Faces in the Wild): one
 * crop of probe and template 4.5 %, both with their mirror images 3.9 %, a template of the crop and its mirror image enlarged by
 * 10 % and a probe of one crop 3.7 %; that pair alone costs 0.2 points of verification, which the plain mirror image gives back. So a template may have views of its own: enrolment, once, pays for the quickness of every probe.
 */
const viewsSchema = z
  .array(z.strictObject({ zoom: z.number().min(0.5).max(2).default(1), mirrored: z.boolean().default(false) }))
  .min(1);
const optionsSchema = z.strictObject({
  side: z.int().min(32).max(512),
  color: z.enum(['rgb', 'bgr']),
  /** In the order of `color`, on the scale 0..255. */
  mean: z.tuple([z.number(), z.number(), z.number()]),
  std: z.tuple([z.number().positive(), z.number().positive(), z.number().positive()]),
  /** `bicubic` for chips that keep the photo's detail: worth 0.1 to 0.2 points of FNIR to MobileFaceNet. */
  sampling: z.enum(['bilinear', 'bicubic']).default('bilinear'),
  /** Crops whose embeddings are added up: each costs a run. See: [Note: Views of a face] */
  views: viewsSchema.default([{ zoom: 1, mirrored: false }]),
  /** Those of a template, where they are others. */
  templateViews: viewsSchema.optional(),
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
  const { side } = contract;
  const views = { probe: contract.views, template: contract.templateViews ?? contract.views };
  const plane = side * side;
  const tables = channelTables(contract);

  /** Embeddings of `count` chips from `first`, before normalisation. */
  async function runChips(
    chips: Chips,
    wanted: readonly View[],
    { first, count }: { readonly first: number; readonly count: number },
    signal?: AbortSignal,
  ): Promise<Float32Array> {
    const input = network.input(3 * plane * count);
    for (let i = 0; i < count; i++) {
      const chip = { pixels: chips.pixels, from: 3 * plane * (first + i), side };
      const { mirrored } = wanted[(first + i) % wanted.length]!;
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
    sampling: contract.sampling,
    views,
    async embed(chips, purpose, { signal } = {}) {
      const wanted = views[purpose];
      // A single face's views go to different threads; many faces go in runs of a few.
      const perRun = chips.count > 2 * chipsPerRun ? chipsPerRun : 1;
      const starts = Array.from({ length: Math.ceil(chips.count / perRun) }, (_, i) => i * perRun);
      const runs = await inTurns(starts, (first) =>
        runChips(chips, wanted, { first, count: Math.min(perRun, chips.count - first) }, signal),
      );
      return Array.from({ length: chips.count / wanted.length }, (_, face) => {
        const sum = new Float32Array(dimension);
        for (let chip = face * wanted.length; chip < (face + 1) * wanted.length; chip++) {
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
