import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import extractFaces from '../../../functions/extract-faces/index.ts';
import { createContext } from '../../function/context.ts';
import { isBlameless } from '../../function/guarded-ports.ts';
import { front } from '../../runtime/front-event.ts';
import { serve } from '../../runtime/serve.ts';
import { createLogger } from '../../telemetry/log.ts';
import { folderWithWeights, testConfig } from '../../testing/platform.ts';
import { drawPortrait } from '../../testing/portraits/index.ts';
import { embeddedOpeners } from '../embedded/index.ts';
import { openExtractorClient } from './extractor-client.ts';

describe('the extractor in another process', () => {
  const setUp = async (changes: { url?: string; timeoutMs?: number } = {}) => {
    const config = testConfig(folderWithWeights());
    const context = createContext(config, { log: createLogger('silent') });
    let url = changes.url;
    if (url === undefined) {
      const running = await serve(extractFaces, front, embeddedOpeners, context);
      onTestFinished(() => running.close());
      await running.ready;
      url = `http://127.0.0.1:${running.port}`;
    }
    const extractor = await openExtractorClient({
      ...config,
      extractorUrl: url,
      timeoutMs: changes.timeoutMs ?? 60_000,
    });
    onTestFinished(() => extractor.close());
    return { context, extractor };
  };
  const serveBy = async (listener: RequestListener): Promise<string> => {
    const server = createServer(listener).listen(0, '127.0.0.1');
    await once(server, 'listening');
    onTestFinished(() => void server.close().closeAllConnections());
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  };

  it('When an image is sent, then the result equals that of the same extractor in this process', async () => {
    const { context, extractor } = await setUp();
    const own = await embeddedOpeners.extractor(context);
    onTestFinished(() => own.close());
    const image = await drawPortrait({ person: 'amaro' });
    const decoded: string[] = [];

    for (const options of [{}, { purpose: 'template' }, { embed: false }, { pack: 'builtin' }] as const) {
      const far = await extractor.extract(image, { ...options, onDecoded: () => decoded.push('far') });
      const near = await own.extract(image, options);

      expect(far.faces).toHaveLength(1);
      expect(far).toEqual(near);
    }
    expect(decoded).toEqual(['far', 'far', 'far', 'far']);
    expect(await extractor.describe()).toEqual(await own.describe());
    await extractor.ready();
  });

  it('When an image is refused, then the error code is that of the extractor in this process', async () => {
    const { extractor } = await setUp();
    const codeOf = (bytes: Uint8Array, pack?: string) =>
      extractor.extract(bytes, { pack }).then(
        () => 'none',
        (error: { code: string }) => error.code,
      );
    const image = await drawPortrait({ person: 'amaro' });

    expect(await codeOf(new Uint8Array())).toBe('EMPTY_IMAGE');
    expect(await codeOf(Buffer.from('no image at all'))).toBe('UNSUPPORTED_IMAGE');
    expect(await codeOf(image.subarray(0, 400))).toBe('IMAGE_CORRUPT');
    expect(await codeOf(Buffer.alloc(16 * 1024 * 1024))).toBe('IMAGE_TOO_LARGE');
    expect(await codeOf(image, 'other')).toBe('STRATEGY_UNAVAILABLE');
  });

  it('When an image is rendered, then this process does it', async () => {
    const { extractor } = await setUp({ url: 'http://127.0.0.1:9' });

    const preview = await extractor.render(await drawPortrait({ person: 'amaro' }), { variant: 'preview' });

    expect([...preview.subarray(0, 2)]).toEqual([0xff, 0xd8]);
  });

  it.each([
    [429, undefined, { code: 'BUSY', retryAfter: 7 }],
    [429, 'BUSY', { code: 'BUSY', retryAfter: 7 }],
    [503, undefined, { code: 'STORE_UNAVAILABLE' }],
    [502, undefined, { code: 'STORE_UNAVAILABLE' }],
    [422, 'IMAGE_CORRUPT', { code: 'IMAGE_CORRUPT' }],
    [422, 'NO_SUCH_CODE', { code: 'STORE_UNAVAILABLE' }],
  ])(
    'When the response has status %i and error code %s, then the call rejects with %j',
    async (status, code, expected) => {
      const url = await serveBy((request, response) => {
        request.resume();
        response.writeHead(status, { 'retry-after': '7', ...(code && { 'x-error-code': code }) }).end();
      });
      const { extractor } = await setUp({ url });

      await expect(extractor.extract(Buffer.from('x'))).rejects.toMatchObject(expected);
    },
  );

  it('When the connection breaks once, then the request is retried; when twice, then the call rejects and the photo may be the cause', async () => {
    let cuts = 1;
    const answer = { image: { width: 1 }, model: {}, faces: [] };
    const url = await serveBy((request, response) => {
      request.resume();
      if (cuts-- > 0) request.socket.destroy();
      else response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(answer));
    });
    const { extractor } = await setUp({ url });

    expect(await extractor.extract(Buffer.from('x'))).toEqual({ ...answer, facesLeftOut: 0 });
    cuts = 2;
    const error = await extractor.extract(Buffer.from('x')).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'STORE_UNAVAILABLE' });
    expect(isBlameless(error)).toBe(false);
  });

  it('When no response comes, then the call rejects with STORE_UNAVAILABLE in time, or at once with the abort reason', async () => {
    const url = await serveBy((request) => void request.resume());
    const { extractor } = await setUp({ url, timeoutMs: 300 });
    const controller = new AbortController();

    await expect(extractor.extract(Buffer.from('x'))).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
    const waiting = extractor.extract(Buffer.from('x'), { signal: controller.signal });
    controller.abort(new Error('gone'));

    await expect(waiting).rejects.toThrow('gone');
  });
});
