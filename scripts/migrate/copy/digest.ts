import { createHash } from 'node:crypto';
import { canonicalJson } from '../../../shared/domain/audit-chain.ts';

/** Number of rows, and a digest of them that does not depend on their order. */
export interface Digest {
  readonly count: number;
  /** Hex. */
  readonly digest: string;
}

/** SHA-256 of a row, 256 bits. */
export function hashOf(row: unknown): bigint {
  // Drops undefined fields, as JSON does.
  const text = canonicalJson(JSON.parse(JSON.stringify(row)));
  return BigInt(`0x${createHash('sha256').update(text).digest('hex')}`);
}

/** Sums the hashes of rows modulo 2^256: the rows need no order, and none is kept in memory. */
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
