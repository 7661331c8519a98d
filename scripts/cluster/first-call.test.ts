import { expect, it } from 'vitest';
import { functions } from '../../functions/registry.gen.ts';
import { isHttp } from '../../shared/function/define.ts';
import { startPlatform } from '../../shared/testing/platform.ts';
import { firstCall } from './first-call.ts';

it('When each function gets its first call, then the status is the one that the proof expects', async () => {
  const { call } = await startPlatform(functions);

  const wrong: string[] = [];
  for (const manifest of functions.map((each) => each.manifest).filter(isHttp)) {
    const { method, path, options, status } = firstCall(manifest);
    const answer = await call(method, path, options);
    if (answer.status !== status) wrong.push(`${manifest.name}: ${answer.status}, not ${status}`);
  }

  expect(wrong).toEqual([]);
});
