import { Webhook } from 'standardwebhooks';
import { expect, it } from 'vitest';
import { drawPortrait } from '../portraits/index.ts';
import { type ReceivedCall, startReceiver } from '../webhook-receiver.ts';
import { type Api, patience, soon, unknownId } from './api.ts';

const path = '/api/v1/webhooks';

export function webhookCases(api: () => Api): void {
  it(
    'When a webhook is created, then it gets signed messages, which are listed and redelivered, until it is disabled',
    async () => {
      const { call, receiverHost } = api();
      const receiver = await startReceiver(() => 204, receiverHost);
      const created = await call('POST', path, { json: { url: receiver.url, event_types: ['person.created'] } });
      const { webhook_id, secret } = created.json.data;
      const one = `${path}/${webhook_id}`;
      const { person_id } = (await call('POST', '/api/v1/persons', { json: { name: 'Ada' } })).json.data;
      await receiver.received(1);
      const delivered = async () => (await call('GET', `${one}/deliveries?status=delivered`)).json.data.deliveries;
      await soon(async () => (await delivered()).length).toBe(1);
      const [{ message_id }] = await delivered();

      const repeated = await call('POST', `${one}/deliveries/${message_id}/redeliver`);
      await receiver.received(2);
      const pinged = await call('POST', `${one}/ping`);
      const rotated = await call('POST', `${one}/rotate_secret`, { json: { previous_valid_hours: 0 } });
      const pingedAgain = await call('POST', `${one}/ping`);
      const seen = await call('GET', one);
      const disabled = await call('PUT', one, { json: { disabled: true } });
      const refused = await call('POST', `${one}/deliveries/${message_id}/redeliver`);
      const listed = await call('GET', `${path}?limit=500`);
      const deleted = await call('DELETE', one);

      const [first, second, ping, lastPing] = receiver.calls;
      expect([created.status, repeated.status]).toEqual([201, 202]);
      expect(verified(secret, first!)).toMatchObject({ type: 'person.created', data: { person_id } });
      expect([first, second].map((each) => each!.headers['webhook-id'])).toEqual([message_id, message_id]);
      expect(verified(secret, ping!)).toMatchObject({ type: 'test.ping' });
      expect([pinged.json.data.status, pingedAgain.json.data.status]).toEqual(['delivered', 'delivered']);
      expect(verified(rotated.json.data.secret, lastPing!)).toMatchObject({ type: 'test.ping' });
      expect(() => verified(secret, lastPing!)).toThrow();
      expect(JSON.stringify(seen.json)).not.toContain('whsec_');
      expect(disabled.json.data).toMatchObject({ disabled: true, disabled_reason: 'asked' });
      expect([refused.status, refused.json.error.code]).toEqual([409, 'WEBHOOK_DISABLED']);
      expect(listed.json.data.webhooks.map((each: { webhook_id: string }) => each.webhook_id)).toContain(webhook_id);
      expect([deleted.status, (await call('GET', one)).status]).toEqual([200, 404]);
      expect((await call('POST', `${path}/${unknownId}/ping`)).json.error.code).toBe('WEBHOOK_NOT_FOUND');
    },
    patience,
  );

  it(
    'When a job has its own webhook URL, then the end of the job is delivered to it',
    async () => {
      const { call, receiverHost } = api();
      const receiver = await startReceiver(() => 204, receiverHost);
      const { secret } = (await call('POST', `${path}/jobs/rotate_secret`, { json: {} })).json.data;
      const form = { external_id: 'jonas', webhook_url: receiver.url, image: await drawPortrait({ person: 'jonas' }) };

      const { job_id, face_id } = (await call('POST', '/api/v1/faces/enroll_async', { form })).json.data;
      const [delivery] = await receiver.received(1);

      expect(verified(secret, delivery!)).toMatchObject({ type: 'job.completed', data: { job_id, face_id } });
      await soon(async () => (await call('GET', `/api/v1/faces/enroll/status/${job_id}`)).json.data.webhook).toEqual({
        url: receiver.url,
        status: 'delivered',
      });
    },
    patience,
  );
}

/** Returns the body of a delivery; throws if it is not signed with `secret`. */
const verified = (secret: string, { body, headers }: ReceivedCall): unknown =>
  new Webhook(secret).verify(body, headers);
