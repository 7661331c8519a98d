import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { setImmediate as breathe } from 'node:timers/promises';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { temporaryFolder } from '../shared/testing/temporary-folder.ts';
import { shareWeights } from '../shared/testing/weights.ts';

const started: ChildProcess[] = [];

beforeAll(() => {
  execFileSync(process.execPath, ['esbuild.config.mjs', 'bundle', 'start']);
});
afterEach(() => {
  for (const child of started.splice(0)) child.kill('SIGKILL');
});

/** What `npm start` runs once it has bundled, and the address it says. */
async function start(): Promise<{ child: ChildProcess; url: string }> {
  const dataDir = temporaryFolder();
  shareWeights(dataDir);
  const child = spawn(process.execPath, ['.build/start/start.js'], {
    env: { ...process.env, FREEFACE_DATA: dataDir, PORT: '0', LOG_LEVEL: 'warn' },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  started.push(child);
  let written = '';
  for await (const chunk of child.stdout!) {
    written += String(chunk);
    const url = /ready at (http:\S+)/.exec(written)?.[1];
    if (url) return { child, url };
  }
  throw new Error(`It ended before it was ready: ${written}`);
}

const answers = (url: string) =>
  fetch(`${url}/health/liveness`).then(
    () => true,
    () => false,
  );

describe('npm start', () => {
  it.each(['SIGTERM', 'SIGINT'] as const)(
    'When it gets %s, then it ends with 0 and nothing answers',
    async (signal) => {
      const { child, url } = await start();
      expect(await answers(url)).toBe(true);

      child.kill(signal);

      expect(await once(child, 'exit')).toEqual([0, null]);
      expect(await answers(url)).toBe(false);
    },
  );

  it('When it is killed, then no process of it goes on', async () => {
    const { child, url } = await start();
    expect(await answers(url)).toBe(true);

    child.kill('SIGKILL');

    while (await answers(url)) await breathe();
    expect(await answers(url)).toBe(false);
  });
});
