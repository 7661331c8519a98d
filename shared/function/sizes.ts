import type { Manifest } from './define.ts';

type Size = Required<Pick<Manifest, 'resources' | 'scale' | 'concurrency' | 'timeoutSeconds' | 'scaling'>>;

/**
 * [Note: Scaling]
 * Nothing is kept warm by default: a light function is ready 200 ms after its process starts, so an instance that idles costs
 * more than the wait it saves. What is dear to start (networks, on a machine with a GPU that may have to be started as well)
 * stays longer. `utilization` is where a further instance is started: the lower, the more room for a burst meanwhile.
 */
const light = {
  memoryLimit: '256Mi',
  keepSeconds: 60,
  windowSeconds: 60,
  utilization: 70,
  why: {
    resources:
      'measured: 58 to 73 MB when ready, 80 to 84 MB after 500 requests; no CPU limit, which would slow starts',
    concurrency: 'waits for stores most of the time; one thread serves many',
    scale: 'from nothing; the upper bound keeps connections to the stores in bounds',
    keep: 'a person clicks on within a minute; ready again within 0.2 s of process start anyway',
    window: 'as Knative has it: short enough to follow people, long enough not to swing',
  },
} as const;

/**
 * How much of a machine a function asks for, by what it does. A manifest takes one and may overrule a part of it.
 *
 * [Note: Sizes]
 * Measured idle on two cores: a process with the kit alone 52 MB, with the records' driver 63 MB, with the built-in networks
 * loaded into two threads 350 MB, and 825 MB at most with 16 photos at once. Who sees works well with 16 requests at once, so that
 * decoding and networks overlap: then a further instance is started. It lets more wait, as far as that makes sense, and sheds the
 * rest. See: extraction in shared/domain/tuning.ts
 */
export const sizes = {
  /** Answers from memory: probes and pages. */
  page: {
    resources: { cpu: '50m', memory: '128Mi' },
    scale: { min: 0, max: 2 },
    concurrency: 100,
    timeoutSeconds: 10,
    scaling: light,
  },
  /** A few rows of the records. */
  record: {
    resources: { cpu: '100m', memory: '128Mi' },
    scale: { min: 0, max: 10 },
    concurrency: 80,
    timeoutSeconds: 10,
    scaling: light,
  },
  /** Hashes passwords, two at once, each in 32 MiB. */
  login: {
    resources: { cpu: '250m', memory: '256Mi' },
    scale: { min: 0, max: 10 },
    concurrency: 40,
    timeoutSeconds: 20,
    scaling: {
      ...light,
      memoryLimit: '384Mi',
      why: {
        ...light.why,
        resources: 'as a light function, and 32 MiB for each of two hashes at once (scrypt, N 2^15, r 8)',
        concurrency: 'two are hashed at once, the others wait; more than 40 would wait longer than a caller does',
      },
    },
  },
  /** Goes through every store to remove and read back. */
  erasure: {
    resources: { cpu: '100m', memory: '256Mi' },
    scale: { min: 0, max: 10 },
    concurrency: 40,
    timeoutSeconds: 60,
    scaling: {
      ...light,
      memoryLimit: '512Mi',
      why: { ...light.why, resources: 'as a light function, and the drivers of every store' },
    },
  },
  /** Hands out image bytes, rarely decodes them. */
  image: {
    resources: { cpu: '250m', memory: '256Mi' },
    scale: { min: 0, max: 10 },
    concurrency: 40,
    timeoutSeconds: 30,
    scaling: {
      ...light,
      memoryLimit: '512Mi',
      why: {
        ...light.why,
        resources: 'as a light function, and image bytes: bodies held at once are bounded by a quarter of the limit',
        concurrency: 'image bytes pass through; 40 at once stay within the bytes that may be held',
      },
    },
  },
  /** Decodes photos and runs networks. */
  vision: {
    resources: { cpu: '1', memory: '1Gi' },
    scale: { min: 0, max: 10 },
    concurrency: 16,
    timeoutSeconds: 60,
    scaling: {
      memoryLimit: '2Gi',
      keepSeconds: 900,
      windowSeconds: 120,
      utilization: 60,
      why: {
        resources:
          'measured: 353 MB when ready, 825 MB at most with 16 photos at once; the limit leaves room for the biggest photo taken',
        concurrency:
          'with 1 a request would queue behind a busy instance: of 16 some are decoded while others are in the networks. The function itself lets half a minute of work wait and answers 429 beyond, so Knative lets more than that through',
        scale: 'from nothing: an idle accelerator is the dearest thing in the cluster',
        keep: 'reading the networks takes 0.7 s, starting a machine with a GPU minutes: a quarter of an hour of quiet before it goes',
        window:
          'two minutes: photos come in bursts, and a machine started for one burst shall not be gone for the next',
      },
    },
  },
  /** One at a time, in the background. */
  background: {
    resources: { cpu: '500m', memory: '256Mi' },
    scale: { min: 0, max: 1 },
    concurrency: 1,
    timeoutSeconds: 600,
    scaling: {
      ...light,
      memoryLimit: '1Gi',
      keepSeconds: 0,
      windowSeconds: 10,
      why: {
        resources: 'as a light function, and batches of rows; the limit is for a gallery gone through',
        concurrency: 'one run at a time; a second call waits',
        scale: 'never two: runs of one schedule must not overlap',
        keep: 'nobody waits for it, so it goes at once',
        window: 'so that what a schedule calls each minute goes in between',
      },
    },
  },
} as const satisfies Record<string, Size>;
