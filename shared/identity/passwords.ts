import { randomBytes, scrypt, timingSafeEqual } from 'node:crypto';
import { AppError } from '../errors.ts';
import { openGate } from '../function/gate.ts';

interface Cost {
  /** Base-2 logarithm of N. */
  readonly ln: number;
  readonly r: number;
  readonly p: number;
}

/** 32 MiB and about 0.2 s. Source: OWASP Password Storage Cheat Sheet, scrypt with N = 2^15, r = 8, p = 3. */
const cost: Cost = { ln: 15, r: 8, p: 3 };
const saltBytes = 16;
const hashBytes = 32;

/**
 * [Note: Two password hashes at once]
 * One scrypt takes 32 MiB and one of libuv's four threads, which files and photos need too. Two hashes at once leave half of the
 * threads free. Further logins wait in order. A login that finds 40 others waiting fails with BUSY, because its caller would not wait
 * that long.
 */
const gate = openGate({ working: 2, waiting: 40, waitingBytes: Number.POSITIVE_INFINITY });

/**
 * Returns a salted hash that contains its parameters: `$scrypt$ln=15,r=8,p=3$<salt>$<hash>`. Errors: BUSY.
 *
 * @example
 * const hash = await hashPassword('three purple umbrellas');
 * await verifyPassword('three purple umbrellas', hash); // true
 */
export async function hashPassword(password: string, signal?: AbortSignal): Promise<string> {
  const salt = randomBytes(saltBytes);
  const hash = await derive(password, salt, hashBytes, cost, signal);
  return `$scrypt$ln=${cost.ln},r=${cost.r},p=${cost.p}$${base64(salt)}$${base64(hash)}`;
}

/**
 * Whether `password` matches the hash `stored`. null: the user does not exist. The result is then false after the same time, so that
 * the response time does not reveal which users exist. Errors: BUSY.
 */
export async function verifyPassword(password: string, stored: string | null, signal?: AbortSignal): Promise<boolean> {
  const { salt, hash, ...storedCost } = parse(stored ?? dummyHash);
  const derived = await derive(password, salt, hash.length, storedCost, signal);
  return timingSafeEqual(derived, hash) && stored !== null;
}

function derive(password: string, salt: Buffer, length: number, { ln, r, p }: Cost, signal?: AbortSignal) {
  const N = 2 ** ln;
  // Twice the memory of the algorithm: the default limit is exactly its memory, which is too little.
  const options = { N, r, p, maxmem: 2 * 128 * N * r };
  return gate.run(
    0,
    () =>
      new Promise<Buffer>((resolve, reject) => {
        // Two keyboards may produce different bytes for the same password.
        scrypt(password.normalize('NFKC'), salt, length, options, (error, hash) =>
          error === null ? resolve(hash) : reject(error),
        );
      }),
    signal,
  );
}

function parse(stored: string): Cost & { salt: Buffer; hash: Buffer } {
  const [, ln, r, p, salt, hash] =
    /^\$scrypt\$ln=(\d{1,2}),r=(\d{1,2}),p=(\d{1,2})\$([\w+/-]+)\$([\w+/-]+)$/.exec(stored) ?? [];
  if (salt === undefined || hash === undefined) {
    throw new AppError('INTERNAL', { cause: new Error('a stored password hash has an unknown format') });
  }
  return {
    ln: Number(ln),
    r: Number(r),
    p: Number(p),
    salt: Buffer.from(salt, 'base64'),
    hash: Buffer.from(hash, 'base64'),
  };
}

const base64 = (bytes: Buffer): string => bytes.toString('base64').replace(/=+$/, '');

/** A hash that no password matches. A comparison with it costs as much as any other. */
const dummyHash = `$scrypt$ln=${cost.ln},r=${cost.r},p=${cost.p}$${base64(Buffer.alloc(saltBytes))}$${base64(Buffer.alloc(hashBytes))}`;
