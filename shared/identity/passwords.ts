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
 * [Note: Few passwords at once]
 * One scrypt takes 32 MiB and one of libuv's four threads, which files and photos need as well. Two at once leave half of them;
 * a flood of logins waits in order and is shed with BUSY before anybody would still wait for the answer.
 */
const gate = openGate({ working: 2, waiting: 40, waitingBytes: Number.POSITIVE_INFINITY });

/** A salted hash that names its parameters: `$scrypt$ln=15,r=8,p=3$<salt>$<hash>`. Errors: BUSY. */
export async function hashPassword(password: string, signal?: AbortSignal): Promise<string> {
  const salt = randomBytes(saltBytes);
  const hash = await derive(password, salt, hashBytes, cost, signal);
  return `$scrypt$ln=${cost.ln},r=${cost.r},p=${cost.p}$${base64(salt)}$${base64(hash)}`;
}

/**
 * Whether `password` is the one of `stored`. null stands for a user who is not there: it takes the same time, so that an answer's
 * delay does not tell who exists. Errors: BUSY.
 */
export async function verifyPassword(password: string, stored: string | null, signal?: AbortSignal): Promise<boolean> {
  const { salt, hash, ...storedCost } = parse(stored ?? nobody);
  const derived = await derive(password, salt, hash.length, storedCost, signal);
  return timingSafeEqual(derived, hash) && stored !== null;
}

function derive(password: string, salt: Buffer, length: number, { ln, r, p }: Cost, signal?: AbortSignal) {
  const N = 2 ** ln;
  // Twice what the algorithm needs: the default limit lies exactly at it.
  const options = { N, r, p, maxmem: 2 * 128 * N * r };
  return gate.run(
    0,
    () =>
      new Promise<Buffer>((resolve, reject) => {
        // One password typed on two keyboards may differ in its bytes.
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
    throw new AppError('INTERNAL', { cause: new Error('a stored password hash has an unknown form') });
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

/** Of no password: as costly to compare with as any. */
const nobody = `$scrypt$ln=${cost.ln},r=${cost.r},p=${cost.p}$${base64(Buffer.alloc(saltBytes))}$${base64(Buffer.alloc(hashBytes))}`;
