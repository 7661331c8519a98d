import { Webhook } from 'standardwebhooks';
import { describe, expect, it } from 'vitest';
import { webhookTypes } from '../../shared/domain/webhooks.ts';
import { newLogin, sightless, sightlessOptions } from '../../shared/testing/logins.ts';
import { sharedPlatform } from '../../shared/testing/platform.ts';
import { startReceiver } from '../../shared/testing/webhook-receiver.ts';

const path = '/api/v1/webhooks';

describe('webhooks', () => {
  const platform = sharedPlatform(sightless, {
    ...sightlessOptions,
    settings: { ...sightlessOptions.settings, FREEFACE_WEBHOOK_ALLOW: '127.0.0.1,erp.local' },
  });
  const create = async (fields: object = {}) => {
    const answer = await platform().call('POST', path, { json: { url: 'https://hooks.example/faces', ...fields } });
    expect(answer.status, JSON.stringify(answer.json)).toBe(201);
    return answer.json.data;
  };

  it('When a webhook is created, then only this response shows its secret', async () => {
    const { call } = platform();

    const answer = await call('POST', path, {
      json: { url: 'https://hooks.example/faces', description: 'Time clock' },
    });

    const { secret, ...shown } = answer.json.data;
    expect([answer.status, answer.headers.get('cache-control')]).toEqual([201, 'no-store']);
    expect(answer.headers.get('location')).toBe(`${path}/${shown.webhook_id}`);
    expect(secret).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/);
    expect(shown).toMatchObject({ description: 'Time clock', event_types: webhookTypes, disabled: false, version: 1 });
    const [got, listed] = [await call('GET', `${path}/${shown.webhook_id}`), await call('GET', `${path}?limit=500`)];
    expect(got.json.data).toEqual(shown);
    expect(listed.json.data.webhooks).toContainEqual(shown);
    expect(JSON.stringify([got.json, listed.json, platform().logs])).not.toContain(secret);
  });

  it.each([
    ['has a URL without https', { url: 'http://hooks.example/' }, 'url'],
    ['has the URL of this machine', { url: 'https://localhost/' }, 'url'],
    ['has the URL of a private address', { url: 'https://[::ffff:10.0.0.1]/' }, 'url'],
    ['has the URL of a metadata service', { url: 'https://169.254.169.254/' }, 'url'],
    ['has a URL with another port', { url: 'https://hooks.example:6379/' }, 'url'],
    ['has a URL with a password', { url: 'https://me:secret@hooks.example/' }, 'url'],
    ['has an invalid URL', { url: 'nonsense' }, 'url'],
    ['has no event type', { url: 'https://hooks.example/', event_types: [] }, 'event_types'],
    ['has an unknown event type', { url: 'https://hooks.example/', event_types: ['face.eaten'] }, 'event_types.0'],
  ])('When a webhook %s, then the response is 400 and names the field', async (_, json, field) => {
    const { call } = platform();

    const made = await call('POST', path, { json });

    expect([made.status, made.json.error.details[0].field]).toEqual([400, field]);
  });

  it('When a webhook is changed, then If-Match detects a conflict, and only an allowed URL is accepted', async () => {
    const { call } = platform();
    const { webhook_id: id } = await create();
    const { headers } = await call('GET', `${path}/${id}`);
    const ifMatch = { headers: { 'if-match': headers.get('etag')! } };

    const changed = await call('PUT', `${path}/${id}`, {
      json: { disabled: true, url: 'http://erp.local:8080/x' },
      ...ifMatch,
    });
    const late = await call('PUT', `${path}/${id}`, { json: { disabled: false }, ...ifMatch });
    const inside = await call('PUT', `${path}/${id}`, { json: { url: 'https://10.0.0.1/' } });
    const nothing = await call('PUT', `${path}/${id}`, { json: {} });

    expect(changed.json.data).toMatchObject({
      disabled: true,
      disabled_reason: 'asked',
      url: 'http://erp.local:8080/x',
    });
    expect([late.status, inside.status, nothing.status]).toEqual([412, 400, 400]);
    const back = await call('PUT', `${path}/${id}`, { json: { disabled: false, event_types: ['face.enrolled'] } });
    expect(back.json.data).toMatchObject({ disabled: false, disabled_reason: null, event_types: ['face.enrolled'] });
  });

  it('When a webhook is deleted, then every later request for it gets 404', async () => {
    const { call } = platform();
    const { webhook_id: id } = await create();

    const answers = [
      await call('DELETE', `${path}/${id}`),
      await call('DELETE', `${path}/${id}`),
      await call('GET', `${path}/${id}`),
      await call('PUT', `${path}/${id}`, { json: { disabled: true } }),
      await call('POST', `${path}/${id}/ping`),
      await call('POST', `${path}/${id}/rotate_secret`, { json: {} }),
      await call('GET', `${path}/${id}/deliveries`),
    ];

    expect(answers.map(({ status }) => status)).toEqual([200, 404, 404, 404, 404, 404, 404]);
  });

  it('When a secret is rotated, then messages have both signatures until the old secret expires', async () => {
    const { call } = platform();
    const receiver = await startReceiver();
    const { webhook_id: id, secret } = await create({ url: receiver.url });

    const rotated = await call('POST', `${path}/${id}/rotate_secret`, { json: { previous_valid_hours: 2 } });
    await call('POST', `${path}/${id}/ping`);
    const again = await call('POST', `${path}/${id}/rotate_secret`, { json: { previous_valid_hours: 0 } });
    await call('POST', `${path}/${id}/ping`);

    const { secret: second, secrets } = rotated.json.data;
    expect(secrets.map(({ expires_at }: { expires_at: string | null }) => expires_at === null)).toEqual([true, false]);
    expect(rotated.headers.get('cache-control')).toBe('no-store');
    const [both, one] = receiver.calls;
    for (const each of [secret, second]) expect(verified(each, both!).type).toBe('test.ping');
    expect(verified(again.json.data.secret, one!).type).toBe('test.ping');
    expect(() => verified(second, one!)).toThrow(/No matching signature/);
  });

  it('When a webhook is pinged, then the response and the delivery log show how the receiver answered', async () => {
    const { call } = platform();
    const receiver = await startReceiver((_, index) => (index === 0 ? 204 : 500));
    const { webhook_id: id, secret } = await create({ url: `${receiver.url}?token=hidden` });

    const good = await call('POST', `${path}/${id}/ping`);
    const bad = await call('POST', `${path}/${id}/ping`);

    expect(good.json.data).toMatchObject({
      type: 'test.ping',
      status: 'delivered',
      attempts: [{ status: 204, error: null }],
    });
    expect(bad.json.data).toMatchObject({ status: 'dead', next_attempt_at: null, attempts: [{ status: 500 }] });
    expect(verified(secret, receiver.calls[0]!)).toMatchObject({ type: 'test.ping', data: { webhook_id: id } });
    expect(receiver.calls[0]!.headers['webhook-id']).toBe(good.json.data.message_id);
    const log = await call('GET', `${path}/${id}/deliveries`);
    expect(log.json.data.deliveries).toEqual([bad.json.data, good.json.data]);
    expect(JSON.stringify(platform().logs)).not.toContain('hidden');
  });

  it('When a message is sent again, then it keeps its id; if the webhook is disabled, the response is 409', async () => {
    const { call } = platform();
    const receiver = await startReceiver();
    const { webhook_id: id } = await create({ url: receiver.url, event_types: ['face.erased'] });
    const { message_id: messageId } = (await call('POST', `${path}/${id}/ping`)).json.data;
    const redeliver = `${path}/${id}/deliveries/${messageId}/redeliver`;

    const again = await call('POST', redeliver);
    const [first, second] = await receiver.received(2);
    await call('PUT', `${path}/${id}`, { json: { disabled: true } });
    const disabled = await call('POST', redeliver);
    const unknown = await call('POST', `${path}/${id}/deliveries/${crypto.randomUUID()}/redeliver`);

    expect([again.status, again.json.data.status]).toEqual([202, 'pending']);
    expect([second!.headers['webhook-id'], second!.body]).toEqual([first!.headers['webhook-id'], first!.body]);
    expect([disabled.status, disabled.json.error.code, unknown.status]).toEqual([409, 'WEBHOOK_DISABLED', 409]);
  });

  it('When the secret of the webhook jobs is rotated, then this webhook is created; it has no URL to change or to ping', async () => {
    const { call } = platform();

    const rotated = await call('POST', `${path}/jobs/rotate_secret`, { json: {} });

    expect(rotated.json.data).toMatchObject({
      webhook_id: 'jobs',
      url: null,
      secret: expect.stringMatching(/^whsec_/),
    });
    const changed = await call('PUT', `${path}/jobs`, { json: { url: 'https://hooks.example/' } });
    expect([changed.status, (await call('POST', `${path}/jobs/ping`)).status]).toEqual([400, 400]);
  });

  it('When an operator lists webhooks, then the response is 403; another tenant does not see them', async () => {
    const { call, ports } = platform();
    const { webhook_id: id } = await create();
    const { token } = await newLogin(platform(), { role: 'operator' });
    const other = await call('POST', '/api/v1/tenants', { json: { tenant: 'hooks-other', name: 'Other' } });
    const { key } = other.json.data.api_key;

    const theirs = await call('GET', path, { as: key });

    expect((await call('GET', path, { as: token })).status).toBe(403);
    expect(theirs.json.data.webhooks).toEqual([]);
    expect((await call('GET', `${path}/${id}`, { as: key })).status).toBe(404);
    expect((await call('DELETE', `${path}/${id}`, { as: key })).status).toBe(404);
    expect(await ports.webhooks.listWebhooks('default' as never, { limit: 1 })).toMatchObject({ items: [{}] });
  });
});

/** Returns the message if the library of a receiver accepts its signature; throws otherwise. */
const verified = (secret: string, { body, headers }: { body: string; headers: Record<string, string> }) =>
  new Webhook(secret).verify(body, headers) as { type: string; data: Record<string, unknown> };
