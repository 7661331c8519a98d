import { scryptSync } from 'node:crypto';
import { setMaxListeners } from 'node:events';
import { describe, expect, it } from 'vitest';
import { hashPassword, verifyPassword } from './passwords.ts';

describe('hashed passwords', () => {
  it('When a password is hashed, then the hash contains its parameters and only that password matches', async () => {
    const hash = await hashPassword('three purple umbrellas');

    expect(hash).toMatch(/^\$scrypt\$ln=15,r=8,p=3\$[\w+/]{22}\$[\w+/]{43}$/);
    expect(await verifyPassword('three purple umbrellas', hash)).toBe(true);
    expect(await verifyPassword('three purple umbrella', hash)).toBe(false);
    expect(await verifyPassword('', hash)).toBe(false);
  });

  it('When one password is hashed twice, then the hashes differ', async () => {
    const [one, other] = await Promise.all([
      hashPassword('three purple umbrellas'),
      hashPassword('three purple umbrellas'),
    ]);

    expect(one).not.toBe(other);
  });

  it('When a hash has other parameters, then verification uses them', async () => {
    const salt = Buffer.from('0123456789abcdef');
    const hash = scryptSync('pässword of old', salt, 64, { N: 2 ** 10, r: 8, p: 1 });
    const [saltText, hashText] = [salt, hash].map((bytes) => bytes.toString('base64').replace(/=+$/, ''));
    const stored = `$scrypt$ln=10,r=8,p=1$${saltText}$${hashText}`;

    expect(await verifyPassword('pässword of old', stored)).toBe(true);
    expect(await verifyPassword('password of old', stored)).toBe(false);
  });

  it('When a password has composed or decomposed letters, then it is the same password', async () => {
    const hash = await hashPassword('schöne grüße vom see'.normalize('NFD'));

    expect(await verifyPassword('schöne grüße vom see'.normalize('NFC'), hash)).toBe(true);
  });

  it('When the user does not exist, then no password matches, and the check takes as long as a real one', async () => {
    const hash = await hashPassword('three purple umbrellas');
    const real = await cpuOf(() => verifyPassword('another password', hash));

    const absent = await cpuOf(() => verifyPassword('another password', null));

    expect(absent.result).toBe(false);
    expect(absent.milliseconds).toBeGreaterThan(real.milliseconds / 3);
    expect(absent.milliseconds).toBeLessThan(real.milliseconds * 3);
  });

  it('When more passwords arrive than can wait, then the rest fails with BUSY, and aborted ones leave the queue', async () => {
    const gone = new AbortController();
    setMaxListeners(50, gone.signal);

    const outcomes = Promise.allSettled(
      Array.from({ length: 50 }, (_, i) => verifyPassword('x', null, i < 2 ? undefined : gone.signal)),
    );
    gone.abort(new Error('gone'));

    const reasons = (await outcomes).map((outcome) =>
      outcome.status === 'fulfilled' ? 'done' : (outcome.reason.code ?? outcome.reason.message),
    );
    const count = (reason: string) => reasons.filter((each) => each === reason).length;
    expect({ done: count('done'), gone: count('gone'), busy: count('BUSY') }).toEqual({ done: 2, gone: 40, busy: 8 });
  });
});

async function cpuOf<Result>(work: () => Promise<Result>): Promise<{ result: Result; milliseconds: number }> {
  const before = process.cpuUsage();
  const result = await work();
  const { user, system } = process.cpuUsage(before);
  return { result, milliseconds: (user + system) / 1000 };
}
