import * as z from 'zod';
import * as examples from '../../shared/api/accounts.examples.ts';
import * as wire from '../../shared/api/accounts.ts';
import { timestamp } from '../../shared/api/gallery.ts';
import { defineFunction } from '../../shared/function/define.ts';
import { sizes } from '../../shared/function/sizes.ts';
import { newApiKey } from '../../shared/identity/api-keys.ts';
import { actorOf, callerOf, requireGrant } from '../../shared/identity/caller.ts';
import { lineageOf } from '../../shared/identity/lineage.ts';

const day = 24 * 60 * 60_000;
const defaultDays = 365;
const mostDays = 3650;

const body = z.object({
  name: wire.keyName,
  scopes: z
    .array(wire.scope)
    .min(1)
    .max(32)
    .describe('Permissions of the key. You can give only scopes that you have.'),
  expires_at: timestamp
    .nullable()
    .optional()
    .describe(
      `When the key expires: in the future, at most ${mostDays} days away; null: never. Do not combine with \`expires_in_days\`.`,
    ),
  expires_in_days: z
    .number()
    .int()
    .min(1)
    .max(mostDays)
    .optional()
    .describe(`Days until the key expires. The default is ${defaultDays}.`),
});

export default defineFunction(
  {
    name: 'create-api-key',
    summary: 'Create a service key',
    description:
      'Only this response shows the key: the platform stores only a digest of it. If you use a key to create another key, the new key expires no later than yours, and it ends when yours is revoked. The same is true for a user whose `ends_with_key` is a key.',
    tag: 'keys',
    trigger: { kind: 'http', method: 'POST', path: '/api/v1/api_keys', scope: 'users:manage' },
    body,
    output: wire.apiKey.extend({ key: wire.secretKey }),
    secret: true,
    status: 201,
    errors: ['TENANT_NOT_FOUND'],
    examples: {
      request: { name: 'front door', scopes: ['faces:read', 'persons:read'], expires_in_days: 90 },
      response: { ...examples.apiKey, key: 'ffk.default.pA8zz7VCCPrA.1fYJ…' },
    },
    uses: ['accounts'],
    ...sizes.record,
  },
  async ({ body, principal, tenant, clock, signal }, { accounts }) => {
    const caller = callerOf(principal);
    const granted = [...new Set(body.scopes)];
    requireGrant(caller, granted);
    // Without this limit, a key that is valid for one day could create a key that is valid for longer.
    const now = clock.now();
    const lineage = await lineageOf(caller, tenant, { accounts, now, signal });
    const expiresAt = expiry(body, now, lineage.expiresAt ?? Number.POSITIVE_INFINITY);
    const { key, keyId, secretDigest } = newApiKey(tenant);
    const stored = await accounts.createApiKey(
      tenant,
      {
        keyId,
        name: body.name,
        scopes: granted,
        secretDigest,
        createdBy: actorOf(caller),
        endsWith: lineage.keyId,
        expiresAt,
      },
      { signal },
    );
    return {
      data: { ...wire.presentApiKey(stored), key },
      headers: { ...wire.notStored, location: `/api/v1/api_keys/${keyId}` },
    };
  },
);

function expiry(
  { expires_at: at, expires_in_days: days }: z.output<typeof body>,
  now: number,
  latest: number,
): number | null {
  if (at === undefined && days === undefined) return Math.min(now + defaultDays * day, latest);
  if (at !== undefined && days !== undefined) wire.refuseField('expires_at', 'cannot be combined with expires_in_days');
  if (at === null) {
    if (latest !== Number.POSITIVE_INFINITY)
      wire.refuseField('expires_at', 'must not be null, because the key that you use expires');
    return null;
  }
  const field = at === undefined ? 'expires_in_days' : 'expires_at';
  const expiresAt = at === undefined ? now + days! * day : Date.parse(at);
  if (expiresAt <= now) wire.refuseField(field, 'must be in the future');
  if (expiresAt > now + mostDays * day) wire.refuseField(field, `must be at most ${mostDays} days away`);
  if (expiresAt > latest) wire.refuseField(field, 'must not be later than the expiry of the key that you use');
  return expiresAt;
}
