import { createHash, randomBytes } from 'node:crypto';
import { EventEmitter } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { createBodyBudget } from './body-budget.ts';
import { readBody } from './read-body.ts';

const MB = 1024 * 1024;
const limit = 15 * MB;

/** An upload that announces `announced` bytes; 0: it announces nothing. */
function upload(announced: number) {
  const headers = announced > 0 ? { 'content-length': String(announced) } : {};
  const message = Object.assign(new PassThrough(), { headers });
  return {
    message: message as unknown as IncomingMessage & PassThrough,
    response: new EventEmitter() as ServerResponse,
  };
}
const turn = () => new Promise((resolve) => setImmediate(resolve));

describe('readBody', () => {
  it('When 1,000 uploads announce 15 MB and send 1 kB, then they reserve about what they have sent', async () => {
    const budget = createBodyBudget(4 * MB);
    const before = process.memoryUsage().arrayBuffers;
    const uploads = Array.from({ length: 1000 }, () => upload(limit));
    const reading = uploads.map(({ message, response }) => readBody(message, response, budget, limit));

    for (const { message } of uploads) message.write(Buffer.alloc(1024));
    await turn();

    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(16 * MB);
    expect(budget.take(2 * MB)).toBe(true);
    for (const { message } of uploads) message.destroy();
    expect((await Promise.allSettled(reading)).every(({ status }) => status === 'rejected')).toBe(true);
  });

  it.each([
    ['announced', true],
    ['not announced', false],
  ])(
    'When the length is %s, then the body arrives whole and its bytes are returned to the budget',
    async (_, known) => {
      const budget = createBodyBudget(8 * MB);
      const bytes = randomBytes(3 * MB + 17);
      const { message, response } = upload(known ? bytes.length : 0);
      const reading = readBody(message, response, budget, limit);
      for (let at = 0; at < bytes.length; at += 60_000) message.write(bytes.subarray(at, at + 60_000));
      message.end();

      const body = await reading;

      const digest = (data: Uint8Array) => createHash('sha256').update(data).digest('hex');
      expect(digest(body)).toBe(digest(bytes));
      expect(budget.take(6 * MB)).toBe(false);
      response.emit('close');
      expect(budget.take(8 * MB)).toBe(true);
    },
  );

  it('When the budget is used up, then the upload is BUSY', async () => {
    const { message, response } = upload(0);
    const reading = readBody(message, response, createBodyBudget(1000), limit);
    message.write(Buffer.alloc(1001));

    await expect(reading).rejects.toMatchObject({ code: 'BUSY' });
  });
});
