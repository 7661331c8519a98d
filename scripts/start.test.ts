import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { setImmediate as breathe } from 'node:timers/promises';
import { afterEach, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { temporaryFolder } from '../shared/testing/temporary-folder.ts';
import { shareWeights } from '../shared/testing/weights.ts';

const started: ChildProcess[] = [];

beforeAll(() => {
  execFileSync(process.execPath, ['esbuild.config.mjs', 'bundle', 'start']);
});
afterEach(() => {
  for (const child of started.splice(0)) child.kill('SIGKILL');
});

/** Starts the bundle of `npm start` and resolves when it prints its address. */
async function start(): Promise<{ child: ChildProcess; url: string; output: () => string }> {
  const dataDir = temporaryFolder();
  shareWeights(dataDir);
  const child = run({ FREEFACE_DATA: dataDir, LOG_LEVEL: 'info', FREEFACE_LOGLEVEL: 'debug' });
  let written = '';
  const url = await new Promise<string>((resolve, reject) => {
    child.stdout!.on('data', (chunk) => {
      written += String(chunk);
      const address = /ready at (http:\S+)/.exec(written)?.[1];
      if (address) resolve(address);
    });
    child.once('close', () => reject(new Error(`The process ended before it was ready: ${written}`)));
  });
  return { child, url, output: () => written };
}

function run(settings: Readonly<Record<string, string>>): ChildProcess {
  const child = spawn(process.execPath, ['.build/start/start.js'], {
    env: { ...process.env, PORT: '0', ...settings },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  started.push(child);
  return child;
}

/** A start that fails: the exit code and all output. */
async function refused(settings: Readonly<Record<string, string>>): Promise<{ code: number | null; written: string }> {
  const child = run(settings);
  let written = '';
  for (const stream of [child.stdout!, child.stderr!]) stream.on('data', (chunk) => (written += String(chunk)));
  const [code] = await once(child, 'close');
  return { code, written };
}

const answers = (url: string) =>
  fetch(`${url}/health/liveness`).then(
    () => true,
    () => false,
  );

describe('npm start', () => {
  it.each(['SIGTERM', 'SIGINT'] as const)(
    'When it receives %s, then it exits with 0, no process answers, and the last log line is "stopped"',
    async (signal) => {
      const { child, url, output } = await start();
      expect(await answers(url)).toBe(true);
      expect(output()).toContain('FREEFACE_LOGLEVEL is not a setting and has no effect; use LOG_LEVEL');

      child.kill(signal);

      expect(await once(child, 'close')).toEqual([0, null]);
      expect(await answers(url)).toBe(false);
      expect(JSON.parse(output().trim().split('\n').at(-1)!)).toMatchObject({
        level: 'info',
        msg: 'stopped',
        uptime_s: expect.any(Number),
      });
    },
  );

  it('When a setting cannot be used, then the error names it, no model is built, and the exit code is 1', async () => {
    const busy = createServer().listen(0, '127.0.0.1');
    await once(busy, 'listening');
    onTestFinished(() => void busy.close());
    const { port } = busy.address() as AddressInfo;
    const file = join(temporaryFolder(), 'file');
    writeFileSync(file, '');
    const empty = temporaryFolder();

    const answers = await Promise.all([
      refused({ FREEFACE_DATA: empty, PORT: String(port) }),
      refused({ FREEFACE_DATA: empty, HOST: '192.0.2.1', FREEFACE_BEHIND_TLS: 'true' }),
      refused({ FREEFACE_DATA: empty, HOST: '192.0.2.1' }),
      refused({ FREEFACE_DATA: empty, FREEFACE_MODE: 'distributed' }),
      refused({ FREEFACE_DATA: file }),
      ...(existsSync('/proc/self') ? [refused({ FREEFACE_DATA: '/proc/freeface' })] : []),
    ]);

    expect(answers.map(({ code }) => code)).toEqual(answers.map(() => 1));
    expect(answers.map(({ written }) => written)).toEqual(
      [
        `FreeFace did not start: Port ${port} on 127.0.0.1 is in use; set PORT to another port.\n`,
        expect.stringMatching(/^FreeFace did not start: 192\.0\.2\.1 is not an address of this machine; set HOST /),
        expect.stringMatching(/HOST: 192\.0\.2\.1 can be reached from other machines.*FREEFACE_BEHIND_TLS=true/),
        expect.stringMatching(
          /^FreeFace did not start: .*\n {2}SCYLLA_CONTACT_POINTS: is required with FREEFACE_MODE=/,
        ),
        expect.stringMatching(
          /^FreeFace did not start: The data folder .* is a file, or is inside a file; set FREEFACE_DATA /,
        ),
        expect.stringMatching(/^FreeFace did not start: The data folder .* cannot be created; set FREEFACE_DATA /),
      ].slice(0, answers.length),
    );
    expect(readdirSync(empty)).toEqual([]);
  });

  it('When it is killed, then none of its processes keeps running', async () => {
    const { child, url } = await start();
    expect(await answers(url)).toBe(true);

    child.kill('SIGKILL');

    while (await answers(url)) await breathe();
    expect(await answers(url)).toBe(false);
  });
});
