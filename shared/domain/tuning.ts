/**
 * The thresholds of the face pipeline and of enrolment, with their sources and tests. Numbers that belong to one network are in the
 * file of that network. Measurements of a pack are in its calibration.
 */

/** Limits of image decoding. Tested by shared/vision/decode.test.ts. */
export const decoding = {
  /** A camera's full-size JPEG. This and the next are the defaults of FREEFACE_MAX_IMAGE_BYTES and FREEFACE_MAX_IMAGE_PIXELS. */
  maxBytes: 15 * 1024 * 1024,
  /** 100 megapixels: more than the usual setting of every phone. */
  maxPixels: 100_000_000,
  /**
   * Memory for decoding: of one photo, and of all photos that a process decodes at the same time. See: [Note: Cost of decoding]. It is
   * enough for 100 megapixels of ordinary JPEG, PNG or WebP, 48 megapixels of HEIC and 23 megapixels of AVIF.
   */
  maxMemory: 512 * 1024 * 1024,
  /** Frames of an animation. Only the first frame is decoded, but reading the header takes time for each frame. */
  maxFrames: 1000,
  /** Longer side of the raster in pixels. In a group photo of 2048 px, the smallest face that a detector finds has about 20 px. */
  longerSide: 2048,
  /** Background of transparent pictures. Mid grey has contrast to dark and to light hair. */
  background: { r: 128, g: 128, b: 128 },
} as const;

/** Estimates of the cost of decoding. See: [Note: Cost of decoding]. Tested by shared/vision/decode-memory.test.ts. */
export const decodeCosts = {
  /** Buffers of every decode, and the raster: 36 MB was measured for a JPEG of 35 megapixels. In bytes. */
  fixed: 36 * 1024 * 1024,
  /** Lines that a file which is read in lines has in memory. */
  lines: 1700,
  /** Bytes per pixel of formats whose decoder needs the whole picture. */
  perPixelBytes: { webp: 4, gif: 6, animation: 12, avif: 20, deepAvif: 28 },
  /** Processor time of any photo, in seconds, and of a megapixel by format or kind of file. */
  fixedSeconds: 0.05,
  seconds: {
    jpeg: 0.02,
    progressive: 0.035,
    png: 0.03,
    interlaced: 0.05,
    webp: 0.05,
    gif: 0.05,
    avif: 0.15,
    tiff: 0.03,
    heic: 0.12,
  },
  /**
   * libheif as WebAssembly. `base`: its memory without a photo, in bytes (measured: 17 MB). `growth`: its memory grows in steps of up to
   * 20 %. `side`: longer side of the copy that sharp gets, in pixels; shorter than twice this.
   */
  heic: { base: 24 * 1024 * 1024, growth: 1.1, side: 2048 },
} as const;

/**
 * The quality gate. For each trait: the value at which a face is useless (factor 0), and the value from which it is good (factor 1). The
 * score is the product of the factors. A trait with a factor below `reasonBelow` is a reason. The values are chosen so that the median
 * score of ordinary press photos is at least 0.8. Tested by shared/domain/quality.test.ts.
 */
export const qualityRamps = {
  /** Factor below which a trait is a reason. */
  reasonBelow: 0.5,
  /** The detector's score. */
  confidence: { useless: 0.3, good: 0.9 },
  /** Eye distance in pixels of the photo. It is 35 in the ArcFace template of 112 px. */
  eyeDistance: { useless: 5, good: 28 },
  /** `ChipLight.sharpness` of the aligned face: 0.10 to 0.37 on press photos, 0.06 on a photo that is too blurred to use. */
  sharpness: { useless: 0.045, good: 0.1 },
  /** Root of the sum of the squares of yaw and pitch, in degrees. */
  angle: { useless: 80, good: 25 },
  /** Mean luma of the aligned face, 0..255. */
  darkness: { useless: 15, good: 55 },
  brightness: { useless: 250, good: 215 },
  /** Fraction of the box outside the photo. */
  outside: { useless: 0.5, good: 0.08 },
} as const;

/** Looks of RetinaFace and YuNet. See: [Note: Looks]. Tested by shared/vision/detectors/retinaface.test.ts. */
export const looks = {
  /** Longer side of the first input in pixels. */
  firstSide: 640,
  /** A picture whose longer side is shorter than this is enlarged to it. */
  enlargeBelow: 160,
  /** Longer side of the closer look in pixels, and its largest enlargement. */
  closerSide: 1280,
  closerEnlargement: 2,
  /** Longer side of the smallest picture that the closer look enlarges. */
  enlargeCloserFrom: 400,
  /** A face with fewer pixels in the input of the first look causes a closer look. */
  smallFace: 32,
  /** Lowest score of a candidate, and of a face in the result. */
  candidate: 0.3,
  accepted: 0.65,
  /** Sides of the input and of the face in pixels, for the look at a doubtful face alone. */
  verifySide: 192,
  verifyFace: 96,
  /** Lowest score of a candidate in that look. */
  verifyCandidate: 0.02,
} as const;

/** Crop for the 68-point network. Measured on Labeled Faces in the Wild. Tested by shared/vision/landmarkers/landmarks-68.test.ts. */
export const landmarkCrop = {
  /** Side of the square crop in eye distances: in the first pass, and in the later passes. */
  firstSide: 3,
  side: 2.7,
  /** Distance of the crop's centre below the midpoint of the eyes, in eye distances. */
  below: 0.55,
  /** Eye distance as a fraction of the distance from eyes to mouth, for faces that are turned away. */
  mouthShare: 0.95,
  /** For a box without landmarks: its width and height in eye distances, and the eyes' distance from its top as a fraction of its height. */
  boxWidth: 2.09,
  boxHeight: 2.66,
  boxEyes: 0.357,
} as const;

/**
 * Looks of BlazeFace, in pixels of its input. The network was trained at 256 px. It finds faces of 20 to 130 px, and is best at 40 to
 * 80 px. Measured on LFW and on group photos. Tested by shared/vision/detectors/builtin-detectors.test.ts.
 */
export const blazefaceLooks = {
  /** Longer side of the picture in the input, and the factor by which the input is larger: a face that fills the frame needs a margin. */
  overview: { side: 150, room: 1.28 },
  /** If the overview has no confident face: finds a face that fills the frame or is larger. */
  far: { side: 75, room: 1.7 },
  /** Finds the faces of a small group, and of a crowd. */
  close: { side: 512, room: 1 },
  crowd: { side: 1024, room: 1 },
  /** For a picture with a longer side up to this, the overview is enough if it has a confident face. */
  closeRange: 320,
  /** Lowest score of a confident face. */
  confident: 0.6,
  /** The crowd look needs a picture with at least this longer side, and no face or a face smaller than `crowdFace` in the close look. */
  crowdFrom: 640,
  crowdFace: 32,
  maxEnlargement: 2,
  /** Limits of the face size for each look. Beyond them, another look is better or the look makes false detections. */
  farSmallest: 40,
  overviewSmallest: 32,
  closeBiggest: 220,
  crowdBiggest: 128,
  /** Lowest score of a detection. */
  candidate: 0.25,
  /** Intersection over union above which two detections are the same face. */
  overlap: 0.4,
  /** Sides of the input and of the face when the network judges one face. */
  judgeInput: 96,
  judgeFace: 64,
} as const;

/** SSD-MobileNet, with the same units, fields and test as `blazefaceLooks`. */
export const ssdLooks = {
  side: 512,
  maxEnlargement: 2,
  candidate: 0.3,
  overlap: 0.4,
  judgeInput: 128,
  /** Sides of the face, in this order, until a score is at least `convincing`. */
  judgeFaces: [48, 32],
  convincing: 0.5,
} as const;

/** Two detectors that judge each other. See: [Note: Second opinion]. Tested by shared/vision/second-opinion.test.ts. */
export const opinions = {
  /**
   * The second detector does not search a picture with a longer side up to this, if the first detector finds a face with a score of at
   * least `confident`.
   */
  closeRange: 320,
  confident: 0.6,
  /** Intersection over union above which two boxes are the same face; and its lowest value for a judge's box and the judged face. */
  overlap: 0.4,
  sameFace: 0.35,
  /** Fraction of the smaller box inside the bigger box above which both are the same face. */
  inside: 0.6,
  /**
   * Lowest score of an accepted face (the mean of both judgements) by the longer side of its box in pixels, linear in between. A small
   * face of a crowd can have a low score; a big face must have a high score. Of 1,844 LFW portraits, one has a score below .82: .73.
   */
  accepted: { small: { side: 48, score: 0.45 }, big: { side: 128, score: 0.65 } },
} as const;

/**
 * Lowest score of a detection by the distance between its landmarks and those of the landmark network. Tested by
 * shared/vision/agreement.test.ts. See: [Note: Landmarks confirm a detection]
 */
export const agreement = {
  /** Lowest score while the distance is at most `free`. */
  score: 0.45,
  /** Distance (root mean square over the box's side) without effect, and the increase of the lowest score per unit of distance above it. */
  free: 0.1,
  perDistance: 5,
} as const;

/** Pictures for people. Sides are in pixels. Tested by shared/vision/render.test.ts. */
export const rendering = {
  previewSide: 1024,
  faceSide: 320,
  /** Side of the square around a face, divided by the longer side of its box. */
  faceMargin: 1.6,
  jpegQuality: 85,
  background: { r: 255, g: 255, b: 255 },
} as const;

/** Limits of the photos that an extractor processes and queues. Tested by shared/adapters/in-process-extractor.test.ts. */
export const extraction = {
  /** Photos in process for each network thread: one photo is in a network while another is decoded. */
  perThread: 2,
  /**
   * Photos that can wait for each network thread: half a minute of work at two photos per second, less than the time-out of a request,
   * which is one minute. More photos, or more bytes than `maxWaitingBytes`, are refused with BUSY.
   */
  waitingPerThread: 64,
  maxWaitingBytes: 256 * 1024 * 1024,
  /**
   * Estimated seconds of decoding that photos in process and waiting photos can need together; more photos are refused with BUSY. One
   * minute is the time-out of a request, and the networks need their time too.
   */
  decodingSeconds: 20,
} as const;

/** Memory of a process that extracts faces. Tested by shared/vision/decode-memory.test.ts; `npm run bench -- --only memory` measures it. */
export const memory = {
  /**
   * Most resident bytes with any 50 files at once, on the default number of threads: 0.4 GiB for the networks, `decoding.maxMemory`, and
   * the request bodies (FREEFACE_MAX_HELD_BYTES), which need more than twice their size when they are base64 in JSON.
   */
  mostResident: 1536 * 1024 * 1024,
} as const;

/**
 * Limits of a photo of a crowd. See: [Note: A crowd ends in time]. Tested by shared/vision/pipeline.test.ts.
 *
 * Measured with 290 faces in one photo and one network thread, CPU time for each face: `builtin` 18 ms to detect and 28 ms with a
 * template, `retinaface-mobilefacenet` 2 and 19 ms. So both finish 500 faces in 14 s; a pack with larger networks reaches the time limit.
 */
export const crowds = {
  /** Most faces of one photo. */
  faces: 500,
  /**
   * Time in milliseconds from the decoded photo on, after which no further group of faces starts. A call may last one minute; the photo may
   * wait for half a minute before (`waitingPerThread`).
   */
  milliseconds: 20_000,
  /** Faces in one group: enough to keep the threads of a machine busy. */
  group: 32,
} as const;

/** Choice of the main face in a photo of one person. Tested by shared/domain/selection.test.ts. */
export const selection = {
  /**
   * A face with at least this fraction of the biggest face's area can be the main face too. .7 is a side ratio of .84: people at the
   * same distance from the camera. With the edge rule, 0.9 % of Labeled Faces in the Wild are ambiguous, and no photo selects a
   * bystander.
   */
  similarArea: 0.7,
  /** A face nearer to the edge than this fraction of the image's side is cut by the edge. */
  edge: 0.02,
} as const;

/** Rule by which boxes of two networks are the same face. Tested by shared/domain/same-face.test.ts. */
export const sameFace = {
  /**
   * Lowest intersection over union of the boxes. On 60 portraits of LFW and 25 group photos, it is at least .5 between the default pack
   * and RetinaFace for each of 322 faces, and below .1 for different people.
   */
  overlap: 0.3,
} as const;

/**
 * Time after its acceptance in which an event can wait for an unavailable service without using up its attempts, in milliseconds.
 * Tested by shared/function/guarded-ports.test.ts.
 */
export const waitedOutMs = 24 * 60 * 60 * 1000;

/** Enrolment in the background. Tested by shared/gallery/enrolment-jobs.test.ts. */
export const enrolmentJobs = {
  /** Jobs of each lane that one process handles at the same time. Urgent lanes have more. */
  concurrency: { critical: 8, high: 4, normal: 2, low: 1 },
  /** Failed attempts after which a job has failed, including the first attempt. */
  mostAttempts: 9,
  /**
   * Delivery of the event of a job. `retry` is greater than `mostAttempts`, because the job decides when it has failed. With doubling
   * pauses, a broker that counts every delivery retries for two hours. Longer pauses would block the events behind it in the same
   * partition.
   */
  delivery: { retry: 13, backoff: 'exponential', backoffDelayMs: 500, timeoutMs: 60_000 },
  /** Jobs of one tenant that can wait in one lane; more are refused with BUSY. At two seconds for each job, the lane then needs five hours. */
  mostWaiting: 10_000,
  /** Estimated time of a job before any job was measured, in milliseconds. */
  assumedMs: 2000,
  /** Retention of a finished job, in milliseconds. */
  keptMs: 7 * 24 * 60 * 60 * 1000,
  /** Retention of a dead letter, in milliseconds. */
  deadLettersKeptMs: 30 * 24 * 60 * 60 * 1000,
  /** Items of one batch. */
  mostItems: 1000,
} as const;

/** Grouping of sightings into places. Tested by shared/domain/places.test.ts. */
export const places = {
  /** Edge of the cells in which sightings are counted, in metres: a house with its garden plus the error of GPS. */
  cellMetres: 100,
  /** Cells with centres up to this distance are one place, in metres: across a street, but not across a district. */
  linkMetres: 250,
  /** Most places in one response; the most visited are returned. */
  mostShown: 100,
} as const;

/** 1:1 verification. Tested by functions/compare-faces/index.test.ts. */
export const verification = {
  /**
   * Most templates of a person that a comparison uses, the newest ones. Each template is another chance for a false match, so the
   * threshold rises with their number: by 0.13 for 20.
   */
  templates: 20,
} as const;

/** Limit of a gallery. See: [Note: Expected miss rate]. Tested by shared/domain/gallery-size.test.ts. */
export const galleryLimit = {
  /** FPIR at which the limit is measured: the default of faces/recognize. */
  fpir: 0.01,
  /** The limit is the largest gallery in which at most this share of the enrolled persons is missed: one person in five. */
  missRate: 0.2,
  /** From this share of the limit on, the gallery is near it. */
  near: 0.8,
} as const;

/** Rules of enrolment. Tested by functions/enroll-face/index.test.ts. */
export const enrolment = {
  /** Default threshold of the quality score. A face below it is rejected, because its template does not differ from noise. */
  qualityThreshold: 0.3,
  /** Similarity of two templates of one person above which both show the same moment. The second is rejected because it adds nothing. */
  nearDuplicateSimilarity: 0.97,
} as const;

/** The disk of the data folder. */
export const disk = {
  /**
   * With less free space the platform is not ready. One enrolment writes at most one photo (`maxImageBytes`, 20 MiB by default), but a
   * log that cannot grow refuses every request, also reads, because they are audited. A margin for the log files of six databases.
   */
  leastFreeBytes: 16 * 1024 * 1024,
};

/** Limits of one space of security state; each tenant has one space for each kind. */
export interface KeptSpace {
  readonly mostEntries: number;
  /** Sum of the lengths of keys and values, in UTF-8 bytes. */
  readonly mostBytes: number;
  /** `refuse`: a new entry is refused. `oldest`: the entry that would expire first is removed. */
  readonly whenFull: 'refuse' | 'oldest';
}

/**
 * Security state in the cache port. See: [Note: Security state is not a cached value]. Sizes are bounds of memory and disk, not measured
 * optima. Tested by shared/ports/cache.contract.ts and shared/http/idempotency.test.ts.
 */
export const kept = {
  /** Rate limits of addresses and of unknown callers. All belong to the tenant `default`. An entry lives one minute. */
  address: { mostEntries: 200_000, mostBytes: 32 * 2 ** 20, whenFull: 'refuse' },
  /** Rate limits of authenticated callers. */
  caller: { mostEntries: 50_000, mostBytes: 8 * 2 ** 20, whenFull: 'refuse' },
  /** Failed logins and locks of users that exist, two entries each. Only an admin can add users, so strangers cannot fill it. */
  login: { mostEntries: 200_000, mostBytes: 32 * 2 ** 20, whenFull: 'refuse' },
  /** The same for usernames that do not exist. A stranger can invent any number; nothing is lost when the oldest one goes. */
  guess: { mostEntries: 20_000, mostBytes: 4 * 2 ** 20, whenFull: 'oldest' },
  /** Marks of an Idempotency-Key, without the response: a day at 11 requests a second. */
  idempotency: { mostEntries: 1_000_000, mostBytes: 256 * 2 ** 20, whenFull: 'refuse' },
  /** Stored responses, encrypted. When the oldest one goes, its mark stays, so the request does not run again. */
  response: { mostEntries: 1_000_000, mostBytes: 64 * 2 ** 20, whenFull: 'oldest' },
} as const satisfies Record<string, KeptSpace>;
export type KeptKind = keyof typeof kept;
