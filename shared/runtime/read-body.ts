import type { IncomingMessage, ServerResponse } from 'node:http';
import { AppError } from '../errors.ts';
import type { BodyBudget } from './body-budget.ts';

/**
 * [Note: Memory of a body]
 * A body gets memory as it arrives, not as it is announced: a buffer that doubles when it is full. So 1,000 uploads that announce 15 MB
 * and send 1 kB reserve 1 MB. The budget counts the buffer, not only the bytes in it.
 */

/**
 * The whole body, of at most `limit` bytes, out of what `budget` has left until the answer is sent. Rejects as soon as there is
 * more: BODY_TOO_LARGE, BUSY, or BODY_MALFORMED when it ends early. What is left of it is for `drain`.
 */
export function readBody(
  message: IncomingMessage,
  response: ServerResponse,
  budget: BodyBudget,
  limit: number,
): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    const announced = announcedLength(message);
    if (announced > limit) {
      reject(tooLarge(limit));
      return;
    }
    let whole = Buffer.alloc(0);
    let length = 0;
    const giveBack = () => {
      budget.give(whole.length);
      whole = Buffer.alloc(0);
    };
    response.once('close', giveBack);
    /** Makes room for `needed` bytes. false: the budget is used up. */
    const grow = (needed: number): boolean => {
      if (needed <= whole.length) return true;
      const doubled = Math.max(needed, 2 * whole.length);
      const size = announced >= needed ? Math.min(doubled, announced) : doubled;
      if (!budget.take(size - whole.length)) return false;
      const larger = Buffer.allocUnsafeSlow(size);
      whole.copy(larger, 0, 0, length);
      whole = larger;
      return true;
    };
    const onData = (chunk: Buffer) => {
      if (length + chunk.length > limit) refuse(tooLarge(limit));
      else if (!grow(length + chunk.length)) refuse(new AppError('BUSY'));
      else {
        whole.set(chunk, length);
        length += chunk.length;
      }
    };
    const refuse = (error: AppError) => {
      message.off('data', onData);
      message.pause();
      giveBack();
      reject(error);
    };
    const endedEarly = (cause?: unknown) =>
      reject(new AppError('BODY_MALFORMED', { message: 'The body ended early.', cause }));
    if (waitsToBeAsked(message)) response.writeContinue();
    message.on('data', onData);
    message.on('end', () => resolve(whole.subarray(0, length)));
    message.on('error', endedEarly);
    message.on('close', () => endedEarly());
  });
}

/**
 * [Note: Answering before the body is there]
 * Who is refused mostly has a photo on its way. Closing at once would reset the connection, and many a client reports that instead
 * of the answer. So the answer goes out at once, and what still comes is read and thrown away, up to `limit` bytes. false: more is
 * announced than that, or it was never asked for, and the connection is better closed.
 */
export function drain(message: IncomingMessage, limit: number): boolean {
  if (announcedLength(message) > limit || waitsToBeAsked(message)) return false;
  let length = 0;
  message.on('data', (chunk: Buffer) => {
    length += chunk.length;
    if (length > limit) message.destroy();
  });
  message.on('error', () => {});
  message.resume();
  return true;
}

const announcedLength = ({ headers }: IncomingMessage): number => Number(headers['content-length'] ?? 0);

/** Its sender holds the body back until it is told to go on, or tired of waiting. */
const waitsToBeAsked = ({ headers }: IncomingMessage): boolean => /^100-continue$/i.test(headers.expect ?? '');

const tooLarge = (limit: number) =>
  new AppError('BODY_TOO_LARGE', {
    message: `The body has more than ${limit} bytes.`,
    details: { limit_bytes: limit },
  });
