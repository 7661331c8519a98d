import * as z from 'zod';

/**
 * A model pack: the networks that detect, align and embed a face, the sources of their files, and their calibration.
 *
 * [Note: Licences of code and weights]
 * The code of a network and its trained weights are two works. Weights that were trained on research photos are bound to the terms of
 * those photos, also when the licence of their repository is free. So every file states both licences.
 */

/** Licences of code and weights: SPDX identifiers, or a sentence if the licence has none. */
const licenceSchema = z.strictObject({ code: z.string().min(1), weights: z.string().min(1) });

const modelFileSchema = z.strictObject({
  /** Absolute, or relative to the `models` folder of FREEFACE_DATA. */
  path: z.string().min(1),
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
  bytes: z.int().positive(),
  /** Source of the file: `https://…`, `npm:<package>@<version>/<path>`, or a sentence for a file that the user provides. */
  source: z.string().min(1),
  licence: licenceSchema,
  /** For people: the input tensor, and the output tensors by name. */
  contract: z.strictObject({ input: z.string(), outputs: z.record(z.string(), z.string()) }).optional(),
});

/** A file as the user describes it. Digest and size are measured when the pack is added. */
const describedFileSchema = modelFileSchema.partial({ sha256: true, bytes: true });

const componentOf = <File extends z.ZodType>(file: File) =>
  z.strictObject({
    /** A key of `detectors`, `landmarkers` or `embedders` in registry.ts. */
    kind: z.string().min(1),
    file,
    /** The kind defines and checks them. */
    options: z.record(z.string(), z.unknown()).default({}),
  });

function isIncreasing(knots: readonly { readonly cosine: number; readonly share: number }[]): boolean {
  return knots.slice(1).every(({ cosine, share }, i) => cosine > knots[i]!.cosine && share >= knots[i]!.share);
}

/** See: Calibration in shared/domain/calibration.ts */
export const calibrationSchema = z.strictObject({
  source: z.string().min(1),
  similarityKnots: z.array(z.strictObject({ cosine: z.number(), similarity: z.number() })).min(2),
  identification: z
    .array(
      z.strictObject({
        fpir: z.number().gt(0).lt(1),
        intercept: z.number(),
        slope: z.number().nonnegative(),
        ceiling: z.number(),
      }),
    )
    .min(1),
  mates: z
    .strictObject({
      source: z.string().min(1),
      missed: z
        .array(z.strictObject({ cosine: z.number().min(-1).max(1), share: z.number().min(0).max(1) }))
        .min(2)
        .refine(isIncreasing, 'must be sorted: each cosine above the one before, and no share below the one before'),
    })
    .optional(),
});

/** Templates of shared/domain/alignment.ts. `dlib-150-68` uses the five landmarks for a face without 68 points. */
const alignments = ['arcface-112', 'dlib-150-five', 'dlib-150-68'] as const;

const packOf = <File extends z.ZodType>(file: File) =>
  z.strictObject({
    name: z.string().regex(/^[a-z0-9][a-z0-9-]{0,63}$/),
    /** One line for people. */
    title: z.string().min(1),
    /** `ModelIdentity.space`: embedder, alignment and pipeline version. Change it when new embeddings are not comparable with old ones. */
    space: z.string().regex(/^[a-z0-9.-]{1,64}$/),
    detector: componentOf(file),
    /** Finds faces that the first detector misses, e.g. small faces of a crowd, and judges the faces of both. */
    secondDetector: componentOf(file).nullable().default(null),
    landmarker: componentOf(file).nullable().default(null),
    alignment: z.enum(alignments),
    embedder: componentOf(file).extend({ dimension: z.int().min(2).max(4096) }),
    /** Name of a file in models/calibration/ without `.json`, or the numbers. */
    calibration: z.union([z.string().regex(/^[a-z0-9-]+$/), calibrationSchema]),
    /** Limitations that a user should know. */
    caveats: z.array(z.string()).default([]),
    /** Terms that the user must accept before adding the pack. */
    terms: z.string().optional(),
  });

/** A complete pack: every file has its digest and size. */
export const packSchema = packOf(modelFileSchema);

/** The input of `npm run models -- add`: a pack whose files can lack digest and size. */
export const describedPackSchema = packOf(describedFileSchema);

/** models/models.json: packs with the digests of their files, and templates that a user completes with model files. */
export const catalogueSchema = z.strictObject({
  packs: z.array(packSchema),
  templates: z.array(describedPackSchema).default([]),
});

export type Catalogue = z.infer<typeof catalogueSchema>;
export type ModelFile = z.infer<typeof modelFileSchema>;
export type Component = Pack['detector'];
export type AlignmentName = (typeof alignments)[number];
export type Pack = z.infer<typeof packSchema>;
export type DescribedPack = z.infer<typeof describedPackSchema>;

/** false when the pack uses the calibration of another pack. Compares only the names of pack and calibration. */
export const hasOwnCalibration = ({ name, calibration }: Pack): boolean =>
  typeof calibration !== 'string' || calibration === name;

/** Every file of a pack: detector, second detector, landmarker, embedder. */
export function packFiles(pack: Pack): ModelFile[] {
  const components = [pack.detector, pack.secondDetector, pack.landmarker, pack.embedder];
  return components.filter((component) => component !== null).map((component) => component.file);
}
