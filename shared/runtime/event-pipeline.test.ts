import { expect, it } from 'vitest';
import { AppError } from '../errors.ts';
import { breakersOf } from '../function/breaker.ts';
import { createContext } from '../function/context.ts';
import { defineFunction } from '../function/define.ts';
import { sizes } from '../function/sizes.ts';
import { createLogger } from '../telemetry/log.ts';
import { fakeClock } from '../testing/fake-clock.ts';
import { testConfig } from '../testing/platform.ts';
import { temporaryFolder } from '../testing/temporary-folder.ts';
import { eventPipeline } from './event-pipeline.ts';

/** A function that needs `images`, with the breaker of `down` open. */
async function functionWith(down: 'images' | 'records') {
  let runs = 0;
  const definition = defineFunction(
    {
      name: 'count-runs',
      summary: 'Count runs',
      trigger: { kind: 'event', type: 'freeface.upload.changed.v1', topic: null, needs: ['images'] },
      uses: ['records', 'images'],
      ...sizes.record,
    },
    async () => {
      runs += 1;
      return undefined;
    },
  );
  const context = createContext(testConfig(temporaryFolder()), { clock: fakeClock(), log: createLogger('silent') });
  const breaker = breakersOf(context).of(down, '');
  for (let i = 0; i < 10; i++)
    await breaker.execute(() => Promise.reject(new AppError('STORE_UNAVAILABLE'))).catch(() => undefined);
  const handle = eventPipeline(definition, {}, context);
  const event = { id: '1', source: 'test', type: 'freeface.upload.changed.v1' } as never;
  return { answer: await handle(event, undefined, new AbortController().signal), runs };
}

it('When the breaker of a needed port is open, then the event is answered 503 as not tried and the handler does not run', async () => {
  expect(await functionWith('images')).toEqual({
    answer: { status: 503, reason: 'STORE_UNAVAILABLE', retryAfter: 1, notTriedMs: 1000 },
    runs: 0,
  });
});

it('When the breaker of a port is open that is not needed, then the handler runs', async () => {
  expect(await functionWith('records')).toEqual({ answer: { status: 204 }, runs: 1 });
});

it('When a manifest needs a port that it does not use, then it does not compile', () => {
  defineFunction(
    {
      name: 'do-nothing',
      summary: 'Do nothing',
      // @ts-expect-error images is not in `uses`
      trigger: { kind: 'event', type: 'freeface.upload.changed.v1', topic: null, needs: ['images'] },
      uses: ['records'],
      ...sizes.record,
    },
    async () => undefined,
  );
});
