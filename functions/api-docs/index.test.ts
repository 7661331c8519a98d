import { describe, expect, it } from 'vitest';
import { startPlatform } from '../../shared/testing/platform.ts';
import { functions } from '../registry.gen.ts';

const withoutExtractor = functions.filter(({ manifest }) => !manifest.uses.includes('extractor'));

describe('the API page', () => {
  it('When the page is opened, then it loads every file from this server', async () => {
    const { call } = await startPlatform(withoutExtractor);

    const page = await call('GET', '/docs');

    const text = Buffer.from(page.bytes).toString();
    const loaded = [...text.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, url]) => url!);
    expect(loaded.every((url) => url.startsWith('/docs/'))).toBe(true);
    for (const url of loaded) expect((await call('GET', url)).status).toBe(200);
    expect(page.headers.get('content-security-policy')).toContain("default-src 'self'");
    expect((await call('GET', '/')).headers.get('location')).toBe('/docs');
  });

  it('When the description is read, then it has every route of the API and no other route', async () => {
    const { call } = await startPlatform(withoutExtractor);

    const { json } = await call('GET', '/openapi.json');

    const described = Object.entries<object>(json.paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
    );
    const declared = functions.flatMap(({ manifest: { trigger } }) =>
      trigger.kind === 'http' && trigger.path !== '/docs' ? [`${trigger.method} ${trigger.path}`] : [],
    );
    expect(described.sort()).toEqual(declared.sort());
  });

  it('When the description refers to a schema, then it has that schema', async () => {
    const { call } = await startPlatform(withoutExtractor);

    const { json } = await call('GET', '/openapi.json');

    const references = [...JSON.stringify(json).matchAll(/"\$ref":"([^"]+)"/g)].map(([, path]) => path!);
    expect(references.length).toBeGreaterThan(0);
    for (const path of new Set(references)) {
      const found = path
        .slice(2)
        .split('/')
        .reduce((part: Record<string, never> | undefined, key) => part?.[key], json);
      expect(found, path).toBeDefined();
    }
  });
});
