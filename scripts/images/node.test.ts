import { createHash } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { expect, it } from 'vitest';
import { tarOf } from './layer.ts';
import { nodeIn } from './node.ts';

const integrityOf = (bytes: Uint8Array) => `sha512-${createHash('sha512').update(bytes).digest('base64')}`;

it('When the package of Node.js has the pinned digest, then its program is used; any other package is refused', async () => {
  const files = (text: string) => [
    { path: 'package/README.md', bytes: Buffer.from('read me') },
    { path: 'package/bin/node', bytes: Buffer.from(text) },
  ];
  const good = gzipSync(await tarOf(files('the program')));
  const other = gzipSync(await tarOf(files('another program')));

  expect((await nodeIn(good, integrityOf(good))).toString()).toBe('the program');
  await expect(nodeIn(other, integrityOf(good))).rejects.toThrow(/digest .* instead of .*; do not use it/);
});
