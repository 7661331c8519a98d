/**
 * Every threshold of the face pipeline, with where it comes from and the test that holds it. Numbers that belong to a
 * network stand with the network; what was measured of a pack stands in its calibration.
 */

/** Held by shared/vision/decode.test.ts. */
export const decoding = {
  /** A camera's full-size JPEG; the largest upload promised. */
  maxBytes: 20 * 1024 * 1024,
  /** 100 megapixels: above every phone's usual setting, 300 MB at the worst while decoding. */
  maxPixels: 100_000_000,
  /** Frames of an animation. Only the first is decoded, but each costs time in the header. */
  maxFrames: 1000,
  /** Longer side of the working raster in pixels. A face of 20 px in a 2048 px group photo is about the least a detector finds. */
  longerSide: 2048,
  /** What shows through where a picture is transparent: mid grey, so that neither dark nor light hair vanishes in it. */
  background: { r: 128, g: 128, b: 128 },
} as const;

/**
 * The quality gate. For each trait the values between which a face goes from useless (factor 0) to as good as any (factor 1);
 * the score is the product of the factors, and a factor under `complains` is named as a reason. Chosen so that ordinary press
 * photos score 0.8 or more in the median. Held by shared/domain/quality.test.ts.
 */
export const qualityRamps = {
  complains: 0.5,
  /** The detector's score. */
  confidence: { useless: 0.3, good: 0.9 },
  /** Distance between the eyes in pixels of the photo: templates of 112 px hold them 35 apart. */
  eyeDistance: { useless: 5, good: 28 },
  /** Mean absolute Laplacian of the aligned face's luma over its standard deviation. */
  sharpness: { useless: 0.01, good: 0.08 },
  /** Degrees of yaw and pitch together. */
  angle: { useless: 80, good: 25 },
  /** Mean luma of the aligned face, 0..255. */
  darkness: { useless: 15, good: 55 },
  brightness: { useless: 250, good: 225 },
  /** Share of the box that lies outside the photo. */
  outside: { useless: 0.5, good: 0.08 },
} as const;

/** When a detector looks again. See: [Note: Looks]; held by shared/vision/detectors/retinaface.test.ts. */
export const looks = {
  /** Longer side of the first input in pixels. */
  firstSide: 640,
  /** Pictures smaller than this are enlarged to it. */
  enlargeBelow: 160,
  /** Longer side of the closer look in pixels, and how far it may enlarge. */
  closerSide: 1280,
  closerEnlargement: 2,
  /** A face of fewer pixels in the first input asks for a closer look. */
  smallFace: 32,
  /** Scores: followed up; in need of a second look below; kept. */
  candidate: 0.3,
  confident: 0.9,
  accepted: 0.65,
  /** Intersection over union above which two detectors' boxes are one face. */
  detectorsOverlap: 0.4,
  /** Input and face size in pixels when a doubtful face is looked at alone. */
  verifySide: 192,
  verifyFace: 96,
} as const;

/** Pictures for people. Held by shared/vision/render.test.ts. */
export const rendering = {
  previewSide: 1024,
  faceSide: 320,
  /** Side of the square around a face over the longer side of its box. */
  faceMargin: 1.6,
  jpegQuality: 85,
  background: { r: 255, g: 255, b: 255 },
} as const;

/** Photos in work and waiting. Held by shared/adapters/embedded/extractor.test.ts. */
export const extraction = {
  /** Photos in work for each network thread: while one is in a network, another is decoded. */
  perThread: 2,
  /** Photos and bytes that may wait; beyond, BUSY. */
  maxWaiting: 256,
  maxWaitingBytes: 256 * 1024 * 1024,
} as const;

/** Which face a photo of one person means. Held by shared/domain/selection.test.ts. */
export const selection = {
  /** A second face of at least this share of the biggest one's area makes a photo ambiguous: .5 is a side ratio of .7, somebody standing beside, not behind. */
  similarArea: 0.5,
} as const;

/** Held by functions/enroll-face/index.test.ts. */
export const enrolment = {
  /** Quality score below which a face is rejected when the client names no threshold: what is below cannot be told apart from noise. */
  qualityThreshold: 0.3,
  /** Two templates of one person that are this similar come from the same moment; the second adds nothing. */
  nearDuplicateSimilarity: 0.97,
} as const;
