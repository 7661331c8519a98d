import { expect, it } from 'vitest';
import { createLogger } from './log.ts';

function lineOf(fields: object): Record<string, unknown> {
  let line = '';
  createLogger('info', { write: (text) => (line = text) }).info(fields, 'the message');
  return JSON.parse(line) as Record<string, unknown>;
}

it('When a caller logs secrets by mistake, then they are removed at every level and the other fields stay', () => {
  const line = lineOf({
    request_id: 'r1',
    password: 'p',
    headers: { host: 'x' },
    request: { 'x-api-key': 'k', method: 'GET', body: { refresh_token: 't', username: 'ada' } },
    faces: [{ face_id: 'f1', embedding: [0.1] }, 'two'],
  });

  expect(line).toEqual({
    level: 'info',
    time: expect.any(String),
    msg: 'the message',
    request_id: 'r1',
    request: { method: 'GET', body: { username: 'ada' } },
    faces: [{ face_id: 'f1' }, 'two'],
  });
});

it('When an error is logged, then the line contains its message, its cause and its stack', () => {
  const line = lineOf({ err: new TypeError('went wrong', { cause: new Error('the root') }) });

  expect(line.err).toMatchObject({ type: 'TypeError', message: expect.stringContaining('went wrong: the root') });
  expect(String((line.err as { stack: string }).stack)).toContain('log.test.ts');
});

it('When fields are logged, then the object of the caller is not changed', () => {
  const fields = { password: 'p', inner: { password: 'q' } };

  lineOf(fields);

  expect(fields).toEqual({ password: 'p', inner: { password: 'q' } });
});
