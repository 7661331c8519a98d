import type { IncomingMessage, ServerResponse } from 'node:http';
import { AppError } from '../errors.ts';
import type { BodyBudget } from './body-budget.ts';

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
    // If the length is known, the chunks are copied to their place at once: joining them at the end needs twice the memory.
    let whole: Buffer | undefined;
    const chunks: Buffer[] = [];
    let length = 0;
    let held = 0;
    const release = () => {
      budget.give(held);
      held = 0;
      chunks.length = 0;
      whole = undefined;
    };
    response.once('close', release);
    const onData = (chunk: Buffer) => {
      if (length + chunk.length > limit) fail(tooLarge(limit));
      else if (!budget.take(chunk.length)) fail(new AppError('BUSY'));
      else {
        held += chunk.length;
        if (declared === 0) chunks.push(chunk);
        else (whole ??= Buffer.allocUnsafeSlow(declared)).set(chunk, length);
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
    message.on('end', () => resolve(whole ?? (chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks, length))));
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
