import type { Manifest } from './define.ts';

type Size = Pick<Manifest, 'resources' | 'scale' | 'concurrency' | 'timeoutSeconds'>;

/**
 * How much of a machine a function asks for, by what it does. A manifest takes one and may overrule a part of it.
 *
 * [Note: Sizes]
 * Measured idle on two cores: a process with the kit alone 52 MB, with the records' driver 63 MB, with the built-in networks
 * loaded into two threads 350 MB. Who sees takes 16 requests at once, so that decoding and networks overlap, and sheds beyond.
 */
export const sizes = {
  /** Answers from memory: probes and pages. */
  page: { resources: { cpu: '50m', memory: '128Mi' }, scale: { min: 0, max: 2 }, concurrency: 100, timeoutSeconds: 10 },
  /** A few rows of the records. */
  record: {
    resources: { cpu: '100m', memory: '128Mi' },
    scale: { min: 0, max: 10 },
    concurrency: 80,
    timeoutSeconds: 10,
  },
  /** Hashes passwords, two at once, each in 32 MiB. */
  login: {
    resources: { cpu: '250m', memory: '256Mi' },
    scale: { min: 0, max: 10 },
    concurrency: 40,
    timeoutSeconds: 20,
  },
  /** Goes through every store to remove and read back. */
  erasure: {
    resources: { cpu: '100m', memory: '256Mi' },
    scale: { min: 0, max: 10 },
    concurrency: 40,
    timeoutSeconds: 60,
  },
  /** Hands out image bytes, rarely decodes them. */
  image: {
    resources: { cpu: '250m', memory: '512Mi' },
    scale: { min: 0, max: 10 },
    concurrency: 40,
    timeoutSeconds: 30,
  },
  /** Decodes photos and runs networks. */
  vision: { resources: { cpu: '1', memory: '1Gi' }, scale: { min: 0, max: 10 }, concurrency: 16, timeoutSeconds: 60 },
  /** One at a time, in the background. */
  background: {
    resources: { cpu: '500m', memory: '1Gi' },
    scale: { min: 0, max: 1 },
    concurrency: 1,
    timeoutSeconds: 600,
  },
} as const satisfies Record<string, Size>;
