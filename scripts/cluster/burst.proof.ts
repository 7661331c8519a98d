import { randomInt } from 'node:crypto';
import { expect, it } from 'vitest';
import { drawPortrait } from '../../shared/testing/portraits/index.ts';
import { callService, eventHeaders } from './client.ts';
import { saw } from './kubernetes.ts';

it('When more photos arrive at once than an extractor accepts, then it sheds with 429 and Retry-After, and Knative sheds none', async () => {
  const body = await drawPortrait({ person: randomInt(1e9) });
  const extract = () =>
    callService('extract-faces', 'POST', '/', {
      body,
      headers: { ...eventHeaders('freeface.image.extract.v1', 'burst'), 'content-type': 'image/jpeg' },
    });
  const warm = await extract();

  const answers = await Promise.all(Array.from({ length: 260 }, extract));

  const withStatus = (status: number) => answers.filter((each) => each.status === status);
  const [done, shed] = [withStatus(200), withStatus(429)];
  saw(`260 photos at once: ${done.length} answered, ${shed.length} shed with 429`);
  expect(warm.status).toBe(200);
  expect(done.length + shed.length).toBe(answers.length);
  expect(shed.length).toBeGreaterThan(0);
  for (const { headers } of shed)
    expect([headers.get('x-error-code'), headers.get('retry-after')]).toEqual(['BUSY', '1']);
});
