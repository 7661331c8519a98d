import { createConfig, lintFromString } from '@redocly/openapi-core';
import { expect, it } from 'vitest';
import openApi from './openapi.gen.json' with { type: 'json' };

it('When a public linter checks the description, then it finds no problem', async () => {
  // The router prefers a literal segment to a parameter, and `by_external_id` is a reserved word for person ids.
  const rules = { 'no-ambiguous-paths': 'off' } as const;
  const config = await createConfig({ extends: ['recommended'], rules });

  const problems = await lintFromString({ source: JSON.stringify(openApi), config });

  expect(problems.map(({ ruleId, message, location }) => `${ruleId}: ${message} ${location[0]?.pointer}`)).toEqual([]);
});

it('When the description has a regular expression, then other languages can read it', () => {
  const patterns = [...JSON.stringify(openApi).matchAll(/"pattern":"((?:[^"\\\\]|\\\\.)*)"/g)].map(
    ([, pattern]) => pattern!,
  );

  expect(patterns.filter((pattern) => pattern.includes('\\\\p{'))).toEqual([]);
  expect(patterns.length).toBeGreaterThan(3);
});
