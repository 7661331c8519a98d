import { expect, it } from 'vitest';
import { templateLimit } from '../../shared/domain/gallery-size.ts';
import { defaultTenant } from '../../shared/ports/tenant.ts';
import { cronPipeline } from '../../shared/runtime/cron-pipeline.ts';
import { fillGallery } from '../../shared/testing/gallery.ts';
import { startPlatform } from '../../shared/testing/platform.ts';
import createPerson from '../create-person/index.ts';
import checkGallerySize from './index.ts';

async function start() {
  const platform = await startPlatform([checkGallerySize, createPerson]);
  // A tenant is checked when it has a person.
  await platform.call('POST', '/api/v1/persons', { json: { name: 'Ada' } });
  const pack = await platform.ports.extractor.describe();
  const run = async () => {
    const before = platform.logs.length;
    const succeeded = await cronPipeline(
      checkGallerySize,
      platform.ports,
      platform.context,
    )(new AbortController().signal);
    expect(succeeded).toBe(true);
    return platform.logs.slice(before).filter(({ limit }) => limit !== undefined);
  };
  return { platform, run, limit: templateLimit(pack.calibration)! };
}

it('When the gallery grows beyond the limit, then the log first informs and then warns, with the numbers', async () => {
  const { platform, run, limit } = await start();

  const empty = await run();
  await fillGallery(platform, 10);
  const small = await run();
  await fillGallery(platform, limit);
  const full = await run();
  await fillGallery(platform, limit + 1);
  const beyond = await run();

  expect(empty).toEqual([]);
  expect(small).toMatchObject([{ level: 'info', tenant: defaultTenant, pack: 'builtin', templates: 10, limit }]);
  expect(full).toMatchObject([
    { level: 'warn', templates: limit, msg: expect.stringMatching(/^the gallery is near the limit/) },
  ]);
  expect(beyond).toMatchObject([
    {
      level: 'warn',
      templates: limit + 1,
      expected_miss_rate: 0.2,
      msg: expect.stringMatching(/^the gallery is beyond the limit of the model pack: more than one enrolled person/),
    },
  ]);
});

it('When the function runs on its own schedule, then it runs once a day', () => {
  expect(checkGallerySize.manifest.trigger.everyMinutes).toBe(24 * 60);
});
