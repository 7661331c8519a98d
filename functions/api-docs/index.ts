import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { AppError } from '../../shared/errors.ts';
import { type BinaryReply, defineFunction } from '../../shared/function/define.ts';
import { sizes } from '../../shared/function/sizes.ts';
import openApi from './openapi.gen.json' with { type: 'json' };
import { page, script } from './page.ts';

export default defineFunction(
  {
    name: 'api-docs',
    summary: 'Show the API page',
    trigger: {
      kind: 'http',
      method: 'GET',
      path: '/docs',
      aliases: [
        '/',
        '/openapi.json',
        '/docs/swagger-ui.css',
        '/docs/swagger-ui-bundle.js',
        '/docs/favicon-32x32.png',
        '/docs/page.js',
      ],
      scope: null,
    },
    output: { binary: ['text/html', 'text/css', 'text/javascript', 'application/json', 'image/png'] },
    uses: [],
    ...sizes.page,
  },
  async ({ path }) => answers[path] ?? asset(path),
);

const headers = {
  'cache-control': 'no-cache',
  // Swagger UI sets inline styles on elements and loads its icons from data URLs.
  'content-security-policy':
    "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; frame-ancestors 'none'; base-uri 'none'",
};

const text = (contentType: string, content: string): BinaryReply => ({
  bytes: Buffer.from(content),
  contentType: `${contentType}; charset=utf-8`,
  headers,
});

const answers: Readonly<Record<string, BinaryReply>> = {
  '/': { bytes: null, status: 302, headers: { location: '/docs' } },
  '/docs': text('text/html', page),
  '/docs/page.js': text('text/javascript', script),
  '/openapi.json': text('application/json', JSON.stringify(openApi)),
};

const assetTypes: Readonly<Record<string, string>> = {
  '/docs/swagger-ui.css': 'text/css; charset=utf-8',
  '/docs/swagger-ui-bundle.js': 'text/javascript; charset=utf-8',
  '/docs/favicon-32x32.png': 'image/png',
};

async function asset(path: string): Promise<BinaryReply> {
  const contentType = assetTypes[path];
  if (contentType === undefined) throw new AppError('ROUTE_NOT_FOUND');
  const folder = dirname(createRequire(import.meta.url).resolve('swagger-ui-dist/package.json'));
  return { bytes: await readFile(join(folder, path.slice('/docs/'.length))), contentType, headers };
}
