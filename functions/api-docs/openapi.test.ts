import { createConfig, lintFromString } from '@redocly/openapi-core';
import { expect, it } from 'vitest';
import openApi from './openapi.gen.json' with { type: 'json' };

it('When the description is linted by a published linter, then it has no fault', async () => {
  const config = await createConfig({ extends: ['recommended'] });

  const problems = await lintFromString({ source: JSON.stringify(openApi), config });

  expect(problems.map(({ ruleId, message, location }) => `${ruleId}: ${message} ${location[0]?.pointer}`)).toEqual([]);
});
