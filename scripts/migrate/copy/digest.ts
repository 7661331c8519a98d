import { createHash } from 'node:crypto';
import { canonicalJson } from '../../../shared/domain/audit-chain.ts';

/** How many rows there are, and what they come to whatever their order. */
export interface Digest {
  readonly count: number;
  /** Hex. */
  readonly digest: string;
}

/** SHA-256 of a row, 256 bits. */
export function hashOf(row: unknown): bigint {
  // What has no value is left out, as in JSON.
  const text = canonicalJson(JSON.parse(JSON.stringify(row)));
  return BigInt(`0x${createHash('sha256').update(text).digest('hex')}`);
}

/** Sums the hashes of rows, so that neither side has to be sorted or kept. */
export function createDigest() {
  let [count, sum] = [0, 0n];
  return {
    add(hash: bigint): void {
      sum = BigInt.asUintN(256, sum + hash);
      count++;
    },
    read: (): Digest => ({ count, digest: sum.toString(16).padStart(64, '0') }),
  };
}

export type RunningDigest = ReturnType<typeof createDigest>;
