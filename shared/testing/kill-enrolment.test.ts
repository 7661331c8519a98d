import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { expect, it, onTestFinished } from 'vitest';
import { functions } from '../../functions/registry.gen.ts';
import { embeddedOpeners } from '../adapters/embedded/index.ts';
import type { Openers } from '../function/ports.ts';
import type { Event } from '../ports/events.ts';
import { adminKeyPath } from '../runtime/first-start.ts';
import { superviseChild } from './chaos/child.ts';
import { fakeExtractor, fakePhoto } from './fake-extractor.ts';
import { folderWithWeights, send, startPlatform } from './platform.ts';
import { drawPortrait } from './portraits/index.ts';

it('When the process is killed right after it accepted enrolments, then the next process completes each of them once', async () => {
  const dataDir = folderWithWeights();
  const accepted: { job_id: string; face_id: string }[] = [];

  for (const round of [0, 1]) {
    const child = spawn(process.execPath, [await builtChild(), dataDir], { stdio: ['ignore', 'pipe', 'inherit'] });
    const exited = once(child, 'exit');
    const [port] = (await once(createInterface({ input: child.stdout }), 'line')) as [string];
    const authorization = `Bearer ${readFileSync(adminKeyPath(dataDir), 'utf8').trim()}`;
    for (const scene of ['first', 'second']) {
      const answer = await send(`http://127.0.0.1:${port}`, 'POST', '/api/v1/faces/enroll_async', {
        form: { external_id: 'survivor', image: await drawPortrait({ person: 'amaro', scene: `${scene} ${round}` }) },
        headers: { authorization },
      });
      expect(answer.status).toBe(202);
      accepted.push(answer.json.data);
    }
    child.kill('SIGKILL');
    expect(await exited).toEqual([null, 'SIGKILL']);
  }

  const platform = await startPlatform(functions, { dataDir });
  const statuses = async () =>
    Promise.all(
      accepted.map(
        async ({ job_id }) => (await platform.call('GET', `/api/v1/faces/enroll/status/${job_id}`)).json.data,
      ),
    );
  let done = await statuses();
  while (done.some(({ finished_at }) => finished_at === null)) done = await statuses();

  expect(done.map(({ status, result }) => [status, result.face_id])).toEqual(
    accepted.map(({ face_id }) => ['completed', face_id]),
  );
  const person = await platform.call('GET', '/api/v1/persons/by_external_id/survivor');
  expect(person.json.data.face_count).toBe(4);
  expect((await platform.ports.records.backlog()).deadLetters).toBe(0);
}, 120_000);

it('When the process is killed while it handles eight of ten deliveries of one event, then there is one face and no dead letter', async () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'freeface-'));
  const rates = { failing: 0, slow: 0, duplicated: 0, latencyMs: 600_000, hookFaults: false };
  const child = await superviseChild({ dataDir, seed: 1, root: process.cwd(), rates });
  onTestFinished(async () => {
    await child.stop();
    rmSync(dataDir, { recursive: true, force: true });
  });
  const openers: Openers = {
    ...embeddedOpeners,
    extractor: async () => fakeExtractor({ latencyMs: () => 1, working: 4 }),
  };
  const idle = functions.filter(({ manifest: { name } }) => !name.startsWith('process-enrollment-'));
  const before = await startPlatform(idle, { dataDir, openers });
  const form = { external_id: 'once', priority: 'critical', image: fakePhoto(1) };
  const { job_id } = (await before.call('POST', '/api/v1/faces/enroll_async', { form })).json.data;
  const topic = 'freeface.enrollments.critical';
  const delivery = { retry: 0, backoff: 'linear', backoffDelayMs: 1, timeoutMs: 1000 } as const;
  const requested = await new Promise<Event>((resolve) => {
    const keep = async (event: Event) => {
      resolve(event);
      return { status: 204 };
    };
    void before.ports.events.subscribe({ group: 'reader', topic, delivery, concurrency: 1 }, keep);
  });
  const copies = Array.from({ length: 9 }, (_, i) => ({ ...requested, partitionkey: `copy-${i}` }));
  await before.ports.events.publish(topic, copies);
  await before.close();

  const { url, key } = await child.running();
  const attempts = async () =>
    (await send(url, 'GET', `/api/v1/faces/enroll/status/${job_id}`, { as: key })).json.data.attempts;
  while ((await attempts()) < 8) await new Promise((resolve) => setImmediate(resolve));
  await child.kill(0);
  const after = await startPlatform(functions, { dataDir, openers });
  const answered = () =>
    after.logs.filter(({ event_type }) => event_type === 'freeface.enrollment.requested.v1').length;
  while (answered() < 10) await new Promise((resolve) => setImmediate(resolve));

  const { records } = after.ports;
  const job = await records.getJob(requested.tenant as never, job_id);
  expect(job).toMatchObject({ status: 'completed', failures: 1 });
  expect((await records.listFaces(requested.tenant as never, {}, { limit: 9 })).items).toHaveLength(1);
  expect((await records.backlog()).deadLetters).toBe(0);
}, 120_000);

let built: Promise<string> | undefined;

/** Inside the repository, so that the child finds its packages. */
function builtChild(): Promise<string> {
  built ??= (async () => {
    const folder = fileURLToPath(new URL('../../.build/', import.meta.url));
    mkdirSync(folder, { recursive: true });
    const outdir = mkdtempSync(join(folder, 'kill-platform-'));
    onTestFinished(() => rmSync(outdir, { recursive: true, force: true }));
    await build({
      entryPoints: [fileURLToPath(new URL('./kill-platform.ts', import.meta.url))],
      outdir,
      bundle: true,
      platform: 'node',
      format: 'esm',
      target: 'node20',
      packages: 'external',
      loader: { '.sql': 'text', '.html': 'text' },
      outExtension: { '.js': '.mjs' },
    });
    return join(outdir, 'kill-platform.mjs');
  })();
  return built;
}
