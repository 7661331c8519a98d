import { expect, it } from 'vitest';
import { functions } from '../../functions/registry.gen.ts';
import { embeddedOpeners } from '../adapters/embedded/index.ts';
import type { Priority } from '../domain/priority.ts';
import { enrolmentJobs } from '../domain/tuning.ts';
import { asTenant, defaultTenant } from '../ports/tenant.ts';
import { fakeExtractor, fakePhoto } from '../testing/fake-extractor.ts';
import { newLogin } from '../testing/logins.ts';
import { startPlatform, type TestPlatform } from '../testing/platform.ts';
import { newJob } from '../testing/record-factories.ts';
import { temporaryFolder } from '../testing/temporary-folder.ts';

const withoutWorkers = functions.filter(({ manifest }) => !manifest.name.startsWith('process-enrollment'));

const start = (settings: Record<string, string> = {}) =>
  startPlatform(withoutWorkers, {
    dataDir: temporaryFolder(),
    openers: { ...embeddedOpeners, extractor: async () => fakeExtractor({ latencyMs: () => 1, working: 1 }) },
    settings: { FREEFACE_RATE_LIMIT_LOGIN: '0', ...settings },
  });

const enrol = ({ call }: TestPlatform, n: number, priority: Priority, as?: string) =>
  call('POST', '/api/v1/faces/enroll_async', {
    form: { external_id: `p-${n}`, priority, image: fakePhoto(n) },
    ...(as === undefined ? {} : { as }),
  });

it('When a caller without the scope of an admin uses the lane critical, then the response is 403 and other lanes work', async () => {
  const platform = await start();
  const operator = (await newLogin(platform, { role: 'operator' })).token;
  const admin = (await newLogin(platform, { role: 'admin' })).token;
  const batch = { priority: 'critical', items: [{ image_id: '01a20d7d-0000-7000-8000-000000000000' }] };

  const answers = [
    await enrol(platform, 1, 'critical', operator),
    await platform.call('POST', '/api/v1/faces/enroll_batch', { json: batch, as: operator }),
    await enrol(platform, 2, 'high', operator),
    await enrol(platform, 3, 'critical', admin),
  ];

  expect(answers.map(({ status }) => status)).toEqual([403, 403, 202, 202]);
  expect(answers[0]!.json.error.details).toEqual({ field: 'priority' });
});

it('When everyone may use the lane critical, then an operator can', async () => {
  const platform = await start({ FREEFACE_CRITICAL_LANE: 'everyone' });
  const operator = (await newLogin(platform, { role: 'operator' })).token;

  expect((await enrol(platform, 1, 'critical', operator)).status).toBe(202);
});

it('When one tenant has filled its part of a lane, then it receives 429 in this lane, and other lanes and tenants go on', async () => {
  const platform = await start();
  const { records } = platform.ports;
  const created = await platform.call('POST', '/api/v1/tenants', { json: { tenant: 'north', name: 'North' } });
  const north = created.json.data.api_key.key;
  for (let i = 0; i < enrolmentJobs.mostWaiting; i += 1000) {
    const jobs = Array.from({ length: 1000 }, () => ({ job: newJob({ priority: 'normal' }), outbox: [] }));
    await records.createJobs(defaultTenant, jobs);
  }

  const answers = [
    await enrol(platform, 1, 'normal'),
    await enrol(platform, 2, 'high'),
    await enrol(platform, 3, 'normal', north),
  ];

  expect(answers.map(({ status }) => status)).toEqual([429, 202, 202]);
  expect([answers[0]!.json.error.code, answers[0]!.headers.get('retry-after')]).toEqual(['BUSY', '60']);
  expect((await records.lane(asTenant('north'), 'normal', 0)).own).toBe(1);
  // With turns, this tenant waits for one job of the other tenant, not for 10,000.
  expect(answers[2]!.json.data.estimated_completion).toBe('< 30 seconds');
});
