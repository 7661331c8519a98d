import { defineFunction } from '../../shared/function/define.ts';
import { sizes } from '../../shared/function/sizes.ts';
import { publicKeySet } from '../../shared/identity/tokens.ts';

/** A short time is enough: a client that finds an unknown key requests the set again. */
const maxAgeSeconds = 300;

export default defineFunction(
  {
    name: 'get-key-set',
    summary: 'Show the public keys for verifying tokens and receipts',
    description:
      'The response is a JSON Web Key Set (RFC 7517). It also has the public keys of earlier signing keys, so that you can verify old receipts.',
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
