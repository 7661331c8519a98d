import { expect, it } from 'vitest';
import * as z from 'zod';
import { functions } from '../../functions/registry.gen.ts';
import { createContext } from '../function/context.ts';
import { changesState, type HttpManifest, isHttp } from '../function/define.ts';
import { sizes } from '../function/sizes.ts';
import { createLogger } from '../telemetry/log.ts';
import { testConfig } from '../testing/platform.ts';
import { temporaryFolder } from '../testing/temporary-folder.ts';
import { openGuards } from './guards.ts';
import { httpPipeline } from './pipeline.ts';

const manifest = { ...sizes.page, name: 'shut', summary: 'Shut', uses: [], output: z.object({}) } as const;
const shut = [
  { ...manifest, trigger: { kind: 'http', method: 'GET', path: '/shut', scope: 'faces:read' } },
  { ...manifest, rateLimit: 'login', trigger: { kind: 'http', method: 'POST', path: '/shut', scope: null } },
] as const satisfies readonly HttpManifest[];

it.each(shut)(
  'When a function requires a scope or has a rateLimit ($trigger.method), then it is not served without guards',
  (each) => {
    const context = createContext(testConfig(temporaryFolder()), { log: createLogger('silent') });
    const definition = { manifest: each, handler: async () => ({ data: {} }) };

    expect(() => httpPipeline(definition, {}, context, {})).toThrow('no guards');
  },
);

it('When a function requires a scope but has no accounts, then it is not served with guards either', () => {
  const context = createContext(testConfig(temporaryFolder()), { log: createLogger('silent') });
  const definition = { manifest: shut[0], handler: async () => ({ data: {} }) };

  expect(() => httpPipeline(definition, {}, context, { guards: openGuards })).toThrow();
});

it('When a function does not use GET, then it supports an Idempotency-Key, unless it changes nothing or has no known caller', () => {
  const unsupported = functions
    .map(({ manifest: each }) => each)
    .filter(isHttp)
    .filter((each) => each.trigger.method !== 'GET' && !changesState(each))
    .map(({ name }) => name);

  expect(unsupported.sort()).toEqual([
    'compare-faces',
    'detect-faces',
    'log-in',
    'recognize-faces',
    'refresh-session',
    'search-faces',
  ]);
});
