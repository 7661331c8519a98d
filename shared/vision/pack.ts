import * as z from 'zod';

/**
 * A model pack: which networks find, align and embed a face, where their files come from, and what was measured of them.
 *
 * [Note: Licences of code and weights]
 * The code of a network and the numbers it was trained to are two works; weights trained on research photos stay bound to
 * the terms of those photos whatever the licence of the repository they lie in. So every file states both.
 */

/** Of code and weights separately: SPDX identifiers, or a sentence where there is none. */
const licenceSchema = z.strictObject({ code: z.string().min(1), weights: z.string().min(1) });

const modelFileSchema = z.strictObject({
  /** Relative to the `models` folder under FREEFACE_DATA, or absolute. */
  path: z.string().min(1),
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
  bytes: z.int().positive(),
  /** Where the file comes from: `https://…`, `npm:<package>@<version>/<path>`, or a sentence for a file its user brings. */
  source: z.string().min(1),
  licence: licenceSchema,
  /** For people: the tensor it takes and the ones it gives, by name. */
  contract: z.strictObject({ input: z.string(), outputs: z.record(z.string(), z.string()) }).optional(),
});

/** As its user describes it: digest and size are found out when the pack is added. */
const describedFileSchema = modelFileSchema.partial({ sha256: true, bytes: true });

const componentOf = <File extends z.ZodType>(file: File) =>
  z.strictObject({
    /** A key of registry.ts. */
    kind: z.string().min(1),
    file,
    /** Read by the kind. */
    options: z.record(z.string(), z.unknown()).default({}),
  });

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
});

const alignments = ['arcface-112', 'dlib-150-five', 'dlib-150-68'] as const;

const packOf = <File extends z.ZodType>(file: File) =>
  z.strictObject({
    name: z.string().regex(/^[a-z0-9][a-z0-9-]{0,63}$/),
    /** One line for people. */
    title: z.string().min(1),
    /** `ModelIdentity.space`: embedder, alignment and pipeline version; changes whenever embeddings stop being comparable. */
    space: z.string().regex(/^[a-z0-9.-]{1,64}$/),
    detector: componentOf(file),
    /** Looks at the same photo for what the first cannot see, e.g. a crowd's small faces; its finds are merged in. */
    secondDetector: componentOf(file).nullable().default(null),
    landmarker: componentOf(file).nullable().default(null),
    alignment: z.enum(alignments),
    embedder: componentOf(file).extend({ dimension: z.int().min(2).max(4096) }),
    /** Name of a file under models/calibration/, or the numbers themselves. */
    calibration: z.union([z.string().regex(/^[a-z0-9-]+$/), calibrationSchema]),
    /** What a user should know before trusting it. */
    caveats: z.array(z.string()).default([]),
    /** Terms that whoever adds the pack has to accept first. */
    terms: z.string().optional(),
  });

export const packSchema = packOf(modelFileSchema);

/** What `npm run models -- add` reads: a pack whose files need no digest yet. */
export const describedPackSchema = packOf(describedFileSchema);

/** models/models.json: packs whose files are known to the byte, and templates for those a user completes with files of their own. */
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

/** Whether its thresholds and similarities were measured with it, as far as their name says; else they are another pack's. */
export const hasOwnCalibration = ({ name, calibration }: Pack): boolean =>
  typeof calibration !== 'string' || calibration === name;

/** Every file of a pack: detector, second detector, landmarker, embedder. */
export function packFiles(pack: Pack): ModelFile[] {
  const components = [pack.detector, pack.secondDetector, pack.landmarker, pack.embedder];
  return components.filter((component) => component !== null).map((component) => component.file);
}
