import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { priorities } from '../domain/priority.ts';
import { clientOf, untilIdle } from './chaos.ts';
import { checkChaos, storesIn } from './chaos-check.ts';
import { superviseChild } from './chaos-child.ts';
import { openHookReceiver } from './chaos-receiver.ts';
import { fakePhoto } from './fake-extractor.ts';
import { send } from './send.ts';

const count = 150;

it('When the platform is asked to stop in the middle of a burst, then what runs is finished, the rest is done after the next start, and nothing twice', async () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'freeface-'));
  const receiver = await openHookReceiver(() => false);
  const rates = { failing: 0, slow: 0, duplicated: 0, latencyMs: 60, hookFaults: false };
  const child = await superviseChild({ dataDir, seed: 1, root: process.cwd(), rates });
  onTestFinished(async () => {
    await child.stop();
    await receiver.close();
    rmSync(dataDir, { recursive: true, force: true });
  });
  const api = clientOf(child);
  const hook = { url: receiver.url, event_types: ['job.completed', 'job.failed'] };
  await api.insist('POST', '/api/v1/webhooks', { json: hook });
  const plan = Array.from({ length: count }, (_, n) => ({
    kind: 'face' as const,
    request: { form: { priority: priorities[n % 4]!, external_id: `person-${n % 20}`, image: fakePhoto(n) } },
  }));
  const accepted = new Map<number, { jobId: string; faceId: string }>();
  const { url, key } = await child.running();

  const answers = plan.map(async ({ request }, n) => {
    const { status, json } = await send(url, 'POST', '/api/v1/faces/enroll_async', { as: key, ...request });
    expect(status).toBe(202);
    accepted.set(n, { jobId: json.data.job_id, faceId: json.data.face_id });
  });
  await Promise.all(answers);
  const code = await child.terminate();
  const jobsAtStop = (await api.insist('GET', '/api/v1/faces/enroll/jobs?limit=500')).answer.json.data.jobs;
  await untilIdle(api, receiver.jobs, () => undefined);
  const jobs = (await api.insist('GET', '/api/v1/faces/enroll/jobs?limit=500')).answer.json.data.jobs;
  const check = await checkChaos({ plan, accepted, receiver, api, child, openStores: () => storesIn(dataDir) });

  const done = jobsAtStop.filter(({ status }: { status: string }) => status === 'completed').length;
  expect(code).toBe(0);
  expect(done).toBeGreaterThan(0);
  expect(done).toBeLessThan(count);
  expect(check.wrong).toEqual([]);
  expect(check).toMatchObject({ accepted: count, jobs: count, completed: count, faces: count, hooks: count });
  // No attempt was cut short.
  expect(jobs.map(({ attempts }: { attempts: number }) => attempts)).toEqual(jobs.map(() => 1));
}, 120_000);
