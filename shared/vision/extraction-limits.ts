import { extraction } from '../domain/tuning.ts';
import type { GateLimits } from '../function/gate.ts';

/** What an extractor with so many network threads lets in at once; beyond, it is BUSY. */
export const extractionLimits = (threads: number): GateLimits => ({
  working: threads * extraction.perThread,
  waiting: threads * extraction.waitingPerThread,
  waitingBytes: extraction.maxWaitingBytes,
});
