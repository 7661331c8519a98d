import { createHash } from 'node:crypto';
import { canonicalJson } from '../../../shared/domain/audit-chain.ts';

/** How many rows there are, and what they come to whatever their order. */
export interface Digest {
  readonly count: number;
  /** Hex. */
  readonly digest: string;
}

/** Sums the hashes of rows, so that neither side has to be sorted or kept. */
export function createDigest() {
  let [count, sum] = [0, 0n];
  return {
    add(row: unknown): void {
      // What has no value is left out, as in JSON.
      const text = canonicalJson(JSON.parse(JSON.stringify(row)));
      sum = BigInt.asUintN(256, sum + BigInt(`0x${createHash('sha256').update(text).digest('hex')}`));
      count++;
    },
    read: (): Digest => ({ count, digest: sum.toString(16).padStart(64, '0') }),
  };
}

export type RunningDigest = ReturnType<typeof createDigest>;
