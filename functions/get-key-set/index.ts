import { defineFunction } from '../../shared/function/define.ts';
import { sizes } from '../../shared/function/sizes.ts';
import { publicKeySet } from '../../shared/identity/tokens.ts';

/** Short: whoever meets a key that is not in a kept set asks again anyway. */
const maxAgeSeconds = 300;

export default defineFunction(
  {
    name: 'get-key-set',
    summary: 'Show the public keys that tokens and receipts are signed with',
    tag: 'auth',
    trigger: { kind: 'http', method: 'GET', path: '/.well-known/jwks.json', scope: null },
    output: { binary: ['application/json'] },
    uses: ['accounts'],
    ...sizes.page,
  },
  async (_, { accounts }) => ({
    bytes: Buffer.from(JSON.stringify(await publicKeySet(accounts))),
    contentType: 'application/json',
    headers: { 'cache-control': `public, max-age=${maxAgeSeconds}` },
  }),
);
