import type { IncomingMessage, ServerResponse } from 'node:http';
import { AppError } from '../errors.ts';
import type { BodyBudget } from './body-budget.ts';

/**
 * [Note: Memory of a body]
 * A body gets memory as it arrives, not as it is announced: a buffer that doubles when it is full. So 1,000 uploads that announce 15 MB
 * and send 1 kB reserve 1 MB. The budget counts the buffer, not only the bytes in it.
 */

/**
 * Reads the whole body. Its bytes count against `budget` until the response is sent. Errors: BODY_TOO_LARGE as soon as the body has more
 * than `limit` bytes, BUSY when the budget is used up, BODY_MALFORMED when the body ends early. `drain` reads the rest after an error.
 */
export function readBody(
  message: IncomingMessage,
  response: ServerResponse,
  budget: BodyBudget,
  limit: number,
): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    const declared = declaredLength(message);
    if (declared > limit) {
      reject(tooLarge(limit));
      return;
    }
    let whole = Buffer.alloc(0);
    let length = 0;
    const release = () => {
      budget.give(whole.length);
      whole = Buffer.alloc(0);
    };
    response.once('close', release);
    /** Makes room for `needed` bytes. false: the budget is used up. */
    const grow = (needed: number): boolean => {
      if (needed <= whole.length) return true;
      const doubled = Math.max(needed, 2 * whole.length);
      const size = declared >= needed ? Math.min(doubled, declared) : doubled;
      if (!budget.take(size - whole.length)) return false;
      const larger = Buffer.allocUnsafeSlow(size);
      whole.copy(larger, 0, 0, length);
      whole = larger;
      return true;
    };
    const onData = (chunk: Buffer) => {
      if (length + chunk.length > limit) fail(tooLarge(limit));
      else if (!grow(length + chunk.length)) fail(new AppError('BUSY'));
      else {
        whole.set(chunk, length);
        length += chunk.length;
      }
    };
    const fail = (error: AppError) => {
      message.off('data', onData);
      message.pause();
      release();
      reject(error);
    };
    const endedEarly = (cause?: unknown) =>
      reject(new AppError('BODY_MALFORMED', { message: 'The body ended before it was complete.', cause }));
    if (waitsForContinue(message)) response.writeContinue();
    message.on('data', onData);
    message.on('end', () => resolve(whole.subarray(0, length)));
    message.on('error', endedEarly);
    message.on('close', () => endedEarly());
  });
}

/**
 * [Note: Responding before the body has arrived]
 * A client whose request is rejected is often still sending a photo. If the server closed the connection at once, the connection would be
 * reset, and many clients would report that instead of the response. So the server sends the response at once, and reads and discards up
 * to `limit` bytes of the remaining body. false: the declared length is above `limit`, or the client still waits for `100 Continue`; the
 * caller must close the connection.
 */
export function drain(message: IncomingMessage, limit: number): boolean {
  if (declaredLength(message) > limit || waitsForContinue(message)) return false;
  let length = 0;
  message.on('data', (chunk: Buffer) => {
    length += chunk.length;
    if (length > limit) message.destroy();
  });
  message.on('error', () => {});
  message.resume();
  return true;
}

const declaredLength = ({ headers }: IncomingMessage): number => Number(headers['content-length'] ?? 0);

/** Whether the client waits for `100 Continue` before it sends the body. */
const waitsForContinue = ({ headers }: IncomingMessage): boolean => /^100-continue$/i.test(headers.expect ?? '');

const tooLarge = (limit: number) =>
  new AppError('BODY_TOO_LARGE', {
    message: `The body has more than ${limit} bytes.`,
    details: { limit_bytes: limit },
  });
