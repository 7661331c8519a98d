import { CloudEvent, HTTP } from 'cloudevents';
import { describe, expect, it, onTestFinished } from 'vitest';
import { embeddedOpeners } from '../../shared/adapters/embedded/index.ts';
import { createContext } from '../../shared/function/context.ts';
import { front } from '../../shared/runtime/front-event.ts';
import { serve } from '../../shared/runtime/serve.ts';
import { createLogger } from '../../shared/telemetry/log.ts';
import { folderWithWeights, send, testConfig } from '../../shared/testing/platform.ts';
import { drawPortrait } from '../../shared/testing/portraits/index.ts';
import { extractionLimits } from '../../shared/vision/extraction-limits.ts';
import extractFaces from './index.ts';

async function start(settings: Readonly<Record<string, string>> = {}) {
  const context = createContext(testConfig(folderWithWeights(), settings), { log: createLogger('silent') });
  const running = await serve(extractFaces, front, embeddedOpeners, context);
  onTestFinished(() => running.close());
  await running.ready;
  const url = `http://127.0.0.1:${running.port}`;
  const { headers } = HTTP.binary(new CloudEvent({ type: 'freeface.image.extract.v1', source: '/test', id: 'e1' }));
  const post = (image: Uint8Array) =>
    send(url, 'POST', '/', {
      headers: { ...(headers as Record<string, string>), 'content-type': 'image/jpeg' },
      body: image,
    });
  return { post };
}

describe('extract-faces', () => {
  it('When an event has an image, then the reply has its faces and templates; bytes that are not an image get 422', async () => {
    const { post } = await start();

    const answer = await post(await drawPortrait({ person: 'amaro' }));
    const poison = await post(Buffer.from('no image'));

    expect([answer.status, answer.headers.get('ce-type'), answer.headers.get('ce-subject')]).toEqual([
      200,
      'freeface.image.extracted.v1',
      'e1',
    ]);
    expect(answer.json).toMatchObject({
      model: { pack: 'builtin', dimension: 128 },
      image: { width: 400, height: 400, format: 'jpeg' },
    });
    const template = Buffer.from(answer.json.faces[0].embedding, 'base64');
    const numbers = new Float32Array(template.buffer.slice(template.byteOffset, template.byteOffset + template.length));
    expect(numbers).toHaveLength(128);
    expect(numbers.reduce((sum, x) => sum + x * x, 0)).toBeCloseTo(1, 3);
    expect([poison.status, Buffer.from(poison.bytes).toString()]).toEqual([422, 'UNSUPPORTED_IMAGE']);
  });

  it('When more photos arrive than the limit, then the extra ones get 429 at once, and the others are processed', async () => {
    const { post } = await start({ FREEFACE_THREADS: '1' });
    const image = await drawPortrait({ person: 'amaro' });
    const { working, waiting } = extractionLimits(1);
    const most = working + waiting;
    await post(image);

    const answers = await Promise.all(Array.from({ length: 2 * most }, () => post(image)));

    const shed = answers.filter(({ status }) => status === 429);
    const done = answers.filter(({ status }) => status === 200);
    expect(shed.length + done.length).toBe(2 * most);
    expect(done.length).toBeGreaterThanOrEqual(most);
    expect(shed.length).toBeGreaterThan(0);
    for (const { headers, bytes } of shed)
      expect([headers.get('x-error-code'), headers.get('retry-after'), bytes.length]).toEqual(['BUSY', '1', 0]);
  });

  it('When there is no memory budget for a body, then the response is 429 BUSY, so the event is retried', async () => {
    const image = await drawPortrait({ person: 'amaro' });
    const { post } = await start({ FREEFACE_MAX_HELD_BYTES: String(1024 * 1024) });

    const answer = await post(Buffer.concat([image, Buffer.alloc(2 * 1024 * 1024)]));

    expect([answer.status, answer.headers.get('x-error-code')]).toEqual([429, 'BUSY']);
  });
});
