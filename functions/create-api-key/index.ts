import * as z from 'zod';
import * as examples from '../../shared/api/accounts.examples.ts';
import * as wire from '../../shared/api/accounts.ts';
import { timestamp } from '../../shared/api/gallery.ts';
import { defineFunction } from '../../shared/function/define.ts';
import { sizes } from '../../shared/function/sizes.ts';
import { newApiKey } from '../../shared/identity/api-keys.ts';
import { actorOf, callerOf, requireGrant } from '../../shared/identity/caller.ts';

const day = 24 * 60 * 60_000;
const defaultDays = 365;
const mostDays = 3650;

const body = z.object({
  name: wire.keyName,
  scopes: z.array(wire.scope).min(1).max(32).describe('What the key may do; nothing that you may not.'),
  expires_at: timestamp.optional().describe(`In the future, at most ${mostDays} days away.`),
  expires_in_days: z.number().int().min(1).max(mostDays).optional().describe(`Default ${defaultDays}.`),
});

export default defineFunction(
  {
    name: 'create-api-key',
    summary: 'Create a service key',
    description:
      'The key is shown this once: only a digest of it is kept. One that is made with a key ends with that key at the latest.',
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
    // Else a key that was lent for a day could live on in those it made.
    const own = caller.kind === 'key' ? await accounts.getApiKey(tenant, caller.id, { signal }) : null;
    const expiresAt = expiry(body, clock.now(), own?.expiresAt ?? Number.POSITIVE_INFINITY);
    const { key, keyId, secretDigest } = newApiKey(tenant);
    const stored = await accounts.createApiKey(
      tenant,
      {
        keyId,
        name: body.name,
        scopes: granted,
        secretDigest,
        createdBy: actorOf(caller),
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

function expiry({ expires_at: at, expires_in_days: days }: z.output<typeof body>, now: number, latest: number): number {
  if (at === undefined && days === undefined) return Math.min(now + defaultDays * day, latest);
  if (at !== undefined && days !== undefined) wire.refuseField('expires_at', 'or expires_in_days, not both');
  const field = at === undefined ? 'expires_in_days' : 'expires_at';
  const expiresAt = at === undefined ? now + days! * day : Date.parse(at);
  if (expiresAt <= now) wire.refuseField(field, 'must be in the future');
  if (expiresAt > now + mostDays * day) wire.refuseField(field, `must be at most ${mostDays} days away`);
  if (expiresAt > latest) wire.refuseField(field, 'must not be after the end of the key that asks for it');
  return expiresAt;
}
