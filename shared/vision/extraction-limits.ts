import { extraction } from '../domain/tuning.ts';
import type { GateLimits } from '../function/gate.ts';

/** Limits of the gate of an extractor with `threads` network threads. Beyond them, it refuses photos with BUSY. */
export const extractionLimits = (threads: number): GateLimits => ({
  working: threads * extraction.perThread,
  waiting: threads * extraction.waitingPerThread,
  waitingBytes: extraction.maxWaitingBytes,
});
