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

  it('When a webhook is made, then its secret is shown this once', async () => {
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
    ['is not https', { url: 'http://hooks.example/' }, 'url'],
    ['leads to this machine', { url: 'https://localhost/' }, 'url'],
    ['leads to a private address', { url: 'https://[::ffff:10.0.0.1]/' }, 'url'],
    ['leads to a metadata service', { url: 'https://169.254.169.254/' }, 'url'],
    ['has another port', { url: 'https://hooks.example:6379/' }, 'url'],
    ['holds a password', { url: 'https://me:secret@hooks.example/' }, 'url'],
    ['is none', { url: 'nonsense' }, 'url'],
    ['asks for nothing', { url: 'https://hooks.example/', event_types: [] }, 'event_types'],
    ['asks for what there is not', { url: 'https://hooks.example/', event_types: ['face.eaten'] }, 'event_types.0'],
  ])('When a webhook %s, then 400 names the field', async (_, json, field) => {
    const { call } = platform();

    const made = await call('POST', path, { json });

    expect([made.status, made.json.error.details[0].field]).toEqual([400, field]);
  });

  it('When a webhook is changed, then as it was read, and to what may be called alone', async () => {
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

  it('When a webhook is deleted, then it is not there any more', async () => {
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

  it('When a secret is made anew, then messages carry both signatures until the old one ends', async () => {
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

  it('When a webhook is pinged, then the answer and the log say what the receiver made of it', async () => {
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

  it('When a message is sent once more, then it comes with its id, unless the webhook is out of use', async () => {
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

  it('When the webhook of jobs is asked for its secret, then it is made; it has no address to change or to ping', async () => {
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

  it('When operators and viewers ask for webhooks, then 403; another tenant sees none of ours', async () => {
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

/** The message, when the receiver's library takes it. */
const verified = (secret: string, { body, headers }: { body: string; headers: Record<string, string> }) =>
  new Webhook(secret).verify(body, headers) as { type: string; data: Record<string, unknown> };
