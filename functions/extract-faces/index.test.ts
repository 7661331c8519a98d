import { CloudEvent, HTTP } from 'cloudevents';
import { describe, expect, it, onTestFinished } from 'vitest';
import { embeddedOpeners } from '../../shared/adapters/embedded/index.ts';
import { createContext } from '../../shared/runtime/context.ts';
import { front } from '../../shared/runtime/front-event.ts';
import { createLogger } from '../../shared/runtime/log.ts';
import { serve } from '../../shared/runtime/serve.ts';
import { folderWithWeights, send, testConfig } from '../../shared/testing/platform.ts';
import { drawPortrait } from '../../shared/testing/portraits/index.ts';
import extractFaces from './index.ts';

describe('extract-faces', () => {
  it('When an image comes as an event, then its faces and templates are the answer; poison is told apart', async () => {
    const context = createContext(testConfig(folderWithWeights()), { log: createLogger('silent') });
    const running = await serve(extractFaces, front, embeddedOpeners, context);
    onTestFinished(() => running.close());
    await running.ready;
    const url = `http://127.0.0.1:${running.port}`;
    const post = (image: Uint8Array) => {
      const { headers } = HTTP.binary(new CloudEvent({ type: 'freeface.image.extract.v1', source: '/test', id: 'e1' }));
      return send(url, 'POST', '/', {
        headers: { ...(headers as Record<string, string>), 'content-type': 'image/jpeg' },
        body: image,
      });
    };

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
});
