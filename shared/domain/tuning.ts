/**
 * Every threshold of the face pipeline, with where it comes from and the test that holds it. Numbers that belong to a
 * network stand with the network; what was measured of a pack stands in its calibration.
 */

/** Held by shared/vision/decode.test.ts. */
export const decoding = {
  /** A camera's full-size JPEG. This and the next are the defaults of FREEFACE_MAX_IMAGE_BYTES and FREEFACE_MAX_IMAGE_PIXELS. */
  maxBytes: 15 * 1024 * 1024,
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
  /** Mean absolute Laplacian of the aligned face's luma over its standard deviation: 0.10 to 0.37 on press photos, 0.06 blurred past use. */
  sharpness: { useless: 0.045, good: 0.1 },
  /** Degrees of yaw and pitch together. */
  angle: { useless: 80, good: 25 },
  /** Mean luma of the aligned face, 0..255. */
  darkness: { useless: 15, good: 55 },
  brightness: { useless: 250, good: 215 },
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
  /** Longer side of the smallest picture that is enlarged for it. */
  enlargeCloserFrom: 400,
  /** A face of fewer pixels in the first input asks for a closer look. */
  smallFace: 32,
  /** Scores: followed up; kept. */
  candidate: 0.3,
  accepted: 0.65,
  /** Input and face size in pixels when a doubtful face is looked at alone. */
  verifySide: 192,
  verifyFace: 96,
  /** What already counts as seeing something there. */
  verifyCandidate: 0.02,
} as const;

/** How the 68-point network wants a face. Measured on Labeled Faces in the Wild; held by shared/vision/landmarkers/landmarks-68.test.ts. */
export const landmarkCrop = {
  /** Side of the square crop in the pass that starts from a detector's points, and in the later ones; unit: eye distance. */
  firstSide: 3,
  side: 2.7,
  /** The crop's middle below the middle of the eyes, in the same unit. */
  below: 0.55,
  /** Eye-to-mouth distance that counts as an eye distance, for faces turned away. */
  mouthShare: 0.95,
  /** A detector's box without points: its width and height in eye distances, and the eyes' height as a part of the box's. */
  boxWidth: 2.09,
  boxHeight: 2.66,
  boxEyes: 0.357,
} as const;

/**
 * BlazeFace's looks at a picture, in pixels of its input. It was trained on 256 px, sees faces of 20 to 130 px, and likes them
 * at 40 to 80 best. Measured on LFW and on group photos; held by shared/vision/detectors/builtin-detectors.test.ts.
 */
export const blazefaceLooks = {
  /** Longer side of the picture, and the room around it as a factor: a face that fills the frame needs a margin. */
  overview: { side: 150, room: 1.28 },
  /** When the overview shows no sure face: one that fills the frame and more. */
  far: { side: 75, room: 1.7 },
  close: { side: 512, room: 1 },
  crowd: { side: 1024, room: 1 },
  /** A picture up to this long is seen well enough in the overview when it shows a sure face there. */
  closeRange: 320,
  sure: 0.6,
  /** The crowd look is for pictures at least this long, whose smallest face in the close look is smaller than this. */
  crowdFrom: 640,
  crowdFace: 32,
  maxEnlargement: 2,
  /** Faces that a finer look sees better, or that this look only imagines. */
  farSmallest: 40,
  overviewSmallest: 32,
  closeBiggest: 220,
  crowdBiggest: 128,
  candidate: 0.25,
  overlap: 0.4,
  judgeInput: 96,
  judgeFace: 64,
} as const;

/** SSD-MobileNet in the same units; held by the same test. */
export const ssdLooks = {
  side: 512,
  maxEnlargement: 2,
  candidate: 0.3,
  overlap: 0.4,
  judgeInput: 128,
  /** Tried in this order until one is convincing. */
  judgeFaces: [48, 32],
  convincing: 0.5,
} as const;

/** Two detectors that judge each other. Held by shared/vision/second-opinion.test.ts. */
export const opinions = {
  /** Pictures up to this long, in which the first detector sees a sure face, are not searched by the second. */
  closeRange: 320,
  sure: 0.6,
  /** Intersection over union above which two boxes are one face, and what a judge's box must have in common with the face's. */
  overlap: 0.4,
  sameFace: 0.35,
  /** Share of the smaller box inside the bigger one above which they are one face. */
  inside: 0.6,
  /**
   * Mean of both judgements from which a face is believed, by its longer side in pixels, with a straight line between: a face
   * of a crowd may be doubtful, a big one has no excuse. Of 1,844 LFW portraits one scores under .82, with .73.
   */
  accepted: { small: { side: 48, score: 0.45 }, big: { side: 128, score: 0.65 } },
} as const;

/** How sure a detector must be when the landmark network puts the points elsewhere. Held by shared/vision/agreement.test.ts. */
export const agreement = {
  /** Score that is enough while they agree. */
  score: 0.45,
  /** Root mean square distance of the five points over the box's side that counts as agreement, and the price of more. */
  free: 0.1,
  perDistance: 5,
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

/** Photos in work and waiting. Held by shared/adapters/in-process-extractor.test.ts. */
export const extraction = {
  /** Photos in work for each network thread: while one is in a network, another is decoded. */
  perThread: 2,
  /**
   * Photos that may wait for each network thread: half a minute's work at two a second, well within the minute that a call may take.
   * Beyond, and beyond as many bytes, BUSY.
   */
  waitingPerThread: 64,
  maxWaitingBytes: 256 * 1024 * 1024,
  /** Pixels decoded at once, of all photos together: two phone photos, or hundreds of small ones. */
  decodedPixels: 32_000_000,
} as const;

/** Which face a photo of one person means. Held by shared/domain/selection.test.ts. */
export const selection = {
  /**
   * A face of at least this share of the biggest one's area may be meant as well: .7 is a side ratio of .84, people at one
   * distance from the camera. With the edge rule 0.9 % of Labeled Faces in the Wild are ambiguous, and none picks a bystander.
   */
  similarArea: 0.7,
  /** A face this near to the edge, as a share of the image's side, is cut by it. */
  edge: 0.02,
} as const;

/** When two networks have found one face. Held by shared/domain/same-face.test.ts. */
export const sameFace = {
  /**
   * Intersection over union of their boxes. On 60 portraits of LFW and 25 group photos the boxes of the default pack and of
   * RetinaFace share .5 and more for each of 322 faces, and less than .1 for different people.
   */
  overlap: 0.3,
} as const;

/**
 * For how long after it was accepted an event waits for what it needs without using up its attempts, in milliseconds. Held by
 * shared/function/guarded-ports.test.ts.
 */
export const waitedOutMs = 24 * 60 * 60 * 1000;

/** Enrolment in the background. Held by shared/gallery/enrolment-jobs.test.ts. */
export const enrolmentJobs = {
  /** Jobs of a lane that are worked on at once in one process: the urgent find room, the others fill what is left. */
  concurrency: { critical: 8, high: 4, normal: 2, low: 1 },
  /** Attempts that count, the first included; then the job has failed. */
  mostAttempts: 9,
  /**
   * More deliveries than that: the job says when it is given up. With pauses that double, a broker that counts every delivery goes on
   * for two hours; longer ones would hold up what stands behind in the same partition.
   */
  delivery: { retry: 13, backoff: 'exponential', backoffDelayMs: 500, timeoutMs: 60_000 },
  /** Jobs of a lane that may wait; beyond, BUSY. At two seconds each a lane is five hours behind by then. */
  mostWaiting: 10_000,
  /** How long a job is taken to need before any was measured, in milliseconds. */
  assumedMs: 2000,
  /** How long a finished job can be asked about, in milliseconds. */
  keptMs: 7 * 24 * 60 * 60 * 1000,
  /** How long an event that was given up can be looked at, in milliseconds. */
  deadLettersKeptMs: 30 * 24 * 60 * 60 * 1000,
  /** Items of one batch. */
  mostItems: 1000,
} as const;

/** When sightings make one place. Held by shared/domain/places.test.ts. */
export const places = {
  /** Edge of the cells in which sightings are counted, in metres: a house with its garden, and what GPS errs. */
  cellMetres: 100,
  /** Cells this near to one another are one place: across a street, not across a quarter. */
  linkMetres: 250,
  /** Places told in one answer, the most visited ones. */
  mostShown: 100,
} as const;

/** Held by functions/enroll-face/index.test.ts. */
export const enrolment = {
  /** Quality score below which a face is rejected when the client names no threshold: what is below cannot be told apart from noise. */
  qualityThreshold: 0.3,
  /** Two templates of one person that are this similar come from the same moment; the second adds nothing. */
  nearDuplicateSimilarity: 0.97,
} as const;
