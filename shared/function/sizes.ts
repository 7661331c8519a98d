import type { Manifest } from './define.ts';

type Size = Required<Pick<Manifest, 'resources' | 'scale' | 'concurrency' | 'timeoutSeconds' | 'scaling'>>;

/**
 * [Note: Scaling]
 * By default every function scales to zero: a light function is ready 200 ms after its process starts, so an idle instance costs more
 * than the wait that it saves. An instance that is slow to start stays longer: it loads networks, and its machine with a GPU may have
 * to start too. The autoscaler starts another instance above `utilization`: a lower value leaves more room for a burst until then.
 */
const light = {
  memoryLimit: '256Mi',
  keepSeconds: 60,
  windowSeconds: 60,
  utilization: 70,
  why: {
    resources:
      'measured: 58 to 73 MB when ready, 80 to 84 MB after 500 requests; no CPU limit, because it would slow down the start',
    concurrency: 'the function mostly waits for stores, so one thread serves many requests',
    scale: 'scales to zero; the maximum limits the number of connections to the stores',
    keep: 'most users send their next request within a minute; a new process is ready within 0.2 s',
    window: 'the default of Knative: short enough to follow the load, long enough to avoid oscillation',
  },
} as const;

/**
 * Resources and limits for each kind of function. A manifest spreads one of them and may override single fields.
 *
 * [Note: Sizes]
 * Measured on two cores. An idle process needs 52 MB with the shared code only, 63 MB with the driver of the records, and 350 MB with
 * the built-in networks in two threads. With 16 photos at once it needs at most 825 MB. A vision function handles 16 requests at once,
 * so that decoding and networks overlap; above that number, the autoscaler starts another instance. The function lets a limited number
 * of further photos wait and rejects the rest. See: extraction in shared/domain/tuning.ts
 */
export const sizes = {
  /** Probes and pages: the content is in memory. */
  page: {
    resources: { cpu: '50m', memory: '128Mi' },
    scale: { min: 0, max: 2 },
    concurrency: 100,
    timeoutSeconds: 10,
    scaling: light,
  },
  /** Reads or writes a few rows of the records. */
  record: {
    resources: { cpu: '100m', memory: '128Mi' },
    scale: { min: 0, max: 10 },
    concurrency: 80,
    timeoutSeconds: 10,
    scaling: light,
  },
  /** Hashes passwords: two at once, with 32 MiB each. */
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
        resources: 'as a light function, plus 32 MiB for each of two hashes at once (scrypt, N 2^15, r 8)',
        concurrency:
          'two passwords are hashed at once and the others wait; with more than 40, callers would give up before their turn',
      },
    },
  },
  /** Deletes from every store and reads back to check. */
  erasure: {
    resources: { cpu: '100m', memory: '256Mi' },
    scale: { min: 0, max: 10 },
    concurrency: 40,
    timeoutSeconds: 60,
    scaling: {
      ...light,
      memoryLimit: '512Mi',
      why: { ...light.why, resources: 'as a light function, plus the drivers of all stores' },
    },
  },
  /** Sends image bytes, and rarely decodes them. */
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
        resources:
          'as a light function, plus image bytes: request bodies in memory are limited to a quarter of the memory limit',
        concurrency: '40 images at once fit into the limit of bytes in memory',
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
          'measured: 353 MB when ready, 825 MB at most with 16 photos at once; the limit leaves room for the largest allowed photo',
        concurrency:
          'with 1, a request would wait behind a busy instance; with 16, some photos are decoded while others are in the networks. The function itself lets photos wait for half a minute and responds 429 above that, so Knative admits more requests than this target',
        scale: 'scales to zero: an idle accelerator is the most expensive part of the cluster',
        keep: 'loading the networks takes 0.7 s, and starting a machine with a GPU takes minutes, so the last instance stays for a quarter of an hour',
        window:
          'two minutes: photos arrive in bursts, and a machine that started for one burst must still run at the next burst',
      },
    },
  },
  /** Runs in the background, one run at a time. */
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
        resources: 'as a light function, plus batches of rows; the limit is sized for a run over the whole gallery',
        concurrency: 'one run at a time; a second call waits for its end',
        scale: 'one instance at most: runs of one schedule must not overlap',
        keep: 'no caller waits for it, so the instance stops at once',
        window: 'short, so that a function with a run every minute stops between two runs',
      },
    },
  },
} as const satisfies Record<string, Size>;
