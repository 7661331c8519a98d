import { afterEach, describe, expect, it, vi } from 'vitest';
import { createLogger, type Logger } from './log.ts';

afterEach(() => void vi.unstubAllEnvs());

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

describe('on a terminal', () => {
  const written = (log: (logger: Logger) => void): string => {
    let text = '';
    log(createLogger('info', { isTTY: true, write: (line) => (text += line) }));
    return text;
  };

  it('When a request is logged, then the terminal gets one coloured line without JSON', () => {
    vi.stubEnv('NO_COLOR', '');
    const text = written((log) =>
      log.info({ request_id: 'r1', method: 'GET', path: '/api/v1/persons', status: 200, ms: 3.1 }, 'answered'),
    );

    expect(text.replaceAll('\x1b', '').replace(/\d\d:\d\d:\d\d/, 'time')).toBe(
      '[90mtime[0m [32mINFO [0m answered GET /api/v1/persons 200 3.1 ms [90mrequest_id=r1[0m\n',
    );
  });

  it('When NO_COLOR is set, then the line has no colours', () => {
    vi.stubEnv('NO_COLOR', '1');
    expect(written((log) => log.warn({ faces: [{ face_id: 'f1' }, 2], at: { x: 1 } }, 'said'))).toMatch(
      /^\d\d:\d\d:\d\d WARN {2}said faces=face_id=f1,2 at\.x=1\n$/,
    );
  });

  it('When a field has line breaks or control characters, then the line stays one line without them', () => {
    vi.stubEnv('NO_COLOR', '1');
    const text = written((log) => log.info({ file: 'a\nFAKE\x1b[2J"line' }, 'said\r\ntwice'));

    expect(text).toMatch(/said twice file="a FAKE \[2J"line"\n$/);
  });

  it('When an error is logged, then its message and its place are on the line, and secrets are not', () => {
    vi.stubEnv('NO_COLOR', '1');
    const text = written((log) => log.error({ err: new TypeError('went\nwrong'), password: 'p' }, 'failed'));

    expect(text).toMatch(/ERROR failed err="TypeError: went wrong" at .*log\.test\.ts:\d+:\d+\)?\n$/);
    expect(text).not.toContain('password');
  });
});

it('When the log is no terminal, then each line is JSON', () => {
  expect(lineOf({ a: 1 })).toMatchObject({ level: 'info', a: 1, msg: 'the message' });
});
