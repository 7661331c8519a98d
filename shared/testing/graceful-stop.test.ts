import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { priorities } from '../domain/priority.ts';
import { clientOf, untilIdle } from './chaos/api.ts';
import { type ChaosEnrolment, checkChaos, storesIn } from './chaos/check.ts';
import { superviseChild } from './chaos/child.ts';
import { chaosPhoto } from './chaos/plan.ts';
import { openHookReceiver } from './chaos/receiver.ts';
import { send } from './send.ts';

const count = 150;

it('When the platform gets SIGTERM during a burst, then running jobs finish, the others run after the next start, and no job runs twice', async () => {
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
    photo: chaosPhoto(n),
    name: { external_id: `person-${n % 20}` },
  }));
  const accepted = new Map<string, ChaosEnrolment>();
  const { url, key } = await child.running();

  const answers = plan.map(async ({ photo, name }, n) => {
    const form = { priority: priorities[n % 4]!, ...name, image: photo.bytes };
    const { status, json } = await send(url, 'POST', '/api/v1/faces/enroll_async', { as: key, form });
    expect(status).toBe(202);
    accepted.set(json.data.job_id, { photo, name });
  });
  await Promise.all(answers);
  const code = await child.terminate();
  const jobsAtStop = (await api.insist('GET', '/api/v1/faces/enroll/jobs?limit=500')).answer.json.data.jobs;
  await untilIdle(api, { delivered: receiver.delivered });
  const jobs = (await api.insist('GET', '/api/v1/faces/enroll/jobs?limit=500')).answer.json.data.jobs;
  const sent = { accepted, cancelled: new Set<string>(), files: [], replays: new Map() };
  const check = await checkChaos({ ...sent, receiver, api, child, openStores: () => storesIn(dataDir) });

  const done = jobsAtStop.filter(({ status }: { status: string }) => status === 'completed').length;
  expect(code).toBe(0);
  expect(done).toBeGreaterThan(0);
  expect(done).toBeLessThan(count);
  expect(check.wrong).toEqual([]);
  expect(check).toMatchObject({ accepted: count, jobs: count, completed: count, faces: count, hooks: count });
  // No attempt was interrupted.
  expect(jobs.map(({ attempts }: { attempts: number }) => attempts)).toEqual(jobs.map(() => 1));
}, 120_000);
