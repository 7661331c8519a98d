import { expect, it } from 'vitest';
import { drawPortrait, drawScene } from '../portraits/index.ts';
import type { CallOptions } from '../send.ts';
import { type Api, fieldsOf, unknownId } from './api.ts';

/** Request, and the field that the refusal names. */
const wrongFields: readonly [string, string, CallOptions, string][] = [
  ['POST', '/api/v1/persons', { json: { persn_id: 'x' } }, 'persn_id'],
  ['POST', '/api/v1/persons', { json: { name: 5 } }, 'name'],
  ['PUT', `/api/v1/persons/${unknownId}`, { json: { metadata: 'none' } }, 'metadata'],
  ['GET', '/api/v1/persons?limit=0', {}, 'limit'],
  ['GET', '/api/v1/persons/by_external_ids', {}, 'external_ids'],
  ['GET', `/api/v1/persons/${unknownId}/timeline?from=yesterday`, {}, 'from'],
  ['GET', `/api/v1/persons/${unknownId}/appearances?lat=95`, {}, 'lat'],
  ['GET', `/api/v1/images/${unknownId}?variant=huge`, {}, 'variant'],
  ['GET', `/api/v1/images/${unknownId}/download?variant=huge`, {}, 'variant'],
  ['GET', '/api/v1/faces/enroll/jobs?status=lost', {}, 'status'],
  ['GET', `/api/v1/faces/enroll_batch/${unknownId}?status=lost`, {}, 'status'],
  ['POST', '/api/v1/faces/enroll_batch', { json: { items: [{ external_id: 'ada' }] } }, 'items.0.image_id'],
  ['POST', '/api/v1/faces/search', { json: {} }, 'image_data'],
  ['POST', '/api/v1/faces/compare', { json: {} }, 'image_data'],
  ['POST', '/api/v1/users', { json: { username: 'ada', role: 'king', password: 'three umbrellas' } }, 'role'],
  ['PUT', `/api/v1/users/${unknownId}`, { json: { disabled: 'no' } }, 'disabled'],
  ['POST', '/api/v1/api_keys', { json: { name: 'all', scopes: ['everything'] } }, 'scopes.0'],
  ['POST', '/api/v1/auth/login', { as: null, json: { username: 'ada' } }, 'password'],
  ['POST', '/api/v1/auth/refresh', { as: null, json: {} }, 'refresh_token'],
  ['POST', '/api/v1/auth/password', { json: { old_password: 'three umbrellas' } }, 'new_password'],
  ['PUT', '/api/v1/tenants/default', { json: { retention: { images_days: 0 } } }, 'retention.images_days'],
  ['POST', '/api/v1/webhooks', { json: { url: 'nowhere' } }, 'url'],
  ['POST', '/api/v1/webhooks', { json: { url: 'https://127.0.0.2/hook' } }, 'url'],
  ['PUT', `/api/v1/webhooks/${unknownId}`, { json: { event_types: ['weather'] } }, 'event_types.0'],
  [
    'POST',
    `/api/v1/webhooks/${unknownId}/rotate_secret`,
    { json: { previous_valid_hours: 200 } },
    'previous_valid_hours',
  ],
  ['GET', `/api/v1/webhooks/${unknownId}/deliveries?status=lost`, {}, 'status'],
  ['GET', '/api/v1/events/dead_letters?limit=many', {}, 'limit'],
  ['POST', '/api/v1/events/dead_letters/replay', { json: {} }, 'dead_letter_ids'],
  ['GET', '/api/v1/audit?actor=me', {}, 'actor'],
  ['GET', '/api/v1/audit/export?from=yesterday', {}, 'from'],
];

/** Route, fields sent with a valid photo, and the field that the refusal names. */
const wrongFieldsWithPhoto: readonly [string, Readonly<Record<string, string>>, string][] = [
  ['enroll', { persn_id: 'x' }, 'persn_id'],
  ['enroll', { captured_at: 'yesterday' }, 'captured_at'],
  ['enroll', { 'processing_options.quality_threshold': '2' }, 'processing_options.quality_threshold'],
  ['enroll_async', { priority: 'soon' }, 'priority'],
  ['enroll_async', { webhook_url: 'https://127.0.0.2/hook' }, 'webhook_url'],
  ['search', { min_similarity: '2' }, 'min_similarity'],
  ['recognize', { fpir: '0.5' }, 'fpir'],
  ['detect', { limit: '3' }, 'limit'],
];

const wrongPhotos: readonly [string, () => Promise<CallOptions> | CallOptions, number, string][] = [
  ['no photo', () => ({ form: { external_id: 'ada' } }), 400, 'IMAGE_MISSING'],
  ['an empty photo', () => ({ form: { image: new Uint8Array() } }), 400, 'EMPTY_IMAGE'],
  ['a text file as a photo', () => ({ form: { image: Buffer.from('this is no photo') } }), 415, 'UNSUPPORTED_IMAGE'],
  ['half a photo', async () => ({ form: { image: (await photo()).subarray(0, 4000) } }), 422, 'IMAGE_CORRUPT'],
  ['a photo without a person', async () => ({ form: { image: await drawScene() } }), 422, 'NO_FACE'],
];

const photo = () => drawPortrait({ person: 'kira' });

export function doorCases(api: () => Api): void {
  it('When a caller has no credentials, then the response is 401; when a scope is missing, then the response is 403 and names it', async () => {
    const { call, adminKey } = api();
    const readers = { name: 'reader', scopes: ['persons:read'] };
    const { key: reader } = (await call('POST', '/api/v1/api_keys', { json: readers })).json.data;
    const { person_id } = (await call('POST', '/api/v1/persons', { json: { name: 'Ada' } })).json.data;

    const anonymous = await call('GET', '/api/v1/persons', { as: null });
    const forged = await call('GET', '/api/v1/persons', { as: `${reader.slice(0, -4)}AAAA` });
    const allowed = await call('GET', `/api/v1/persons/${person_id}`, { as: reader });
    const denied = await call('DELETE', `/api/v1/persons/${person_id}`, { as: reader });
    const elsewhere = await call('GET', `/api/v1/persons/${person_id}`, { as: adminKey });
    const tenants = await call('GET', '/api/v1/tenants');

    expect([anonymous.status, anonymous.json.error.code]).toEqual([401, 'UNAUTHENTICATED']);
    expect(anonymous.headers.get('www-authenticate')).toMatch(/^Bearer/);
    expect([forged.status, allowed.status]).toEqual([401, 200]);
    expect([denied.status, denied.json.error.details]).toEqual([403, { scope: 'persons:write' }]);
    expect([elsewhere.status, elsewhere.json.error.code]).toEqual([404, 'PERSON_NOT_FOUND']);
    expect([tenants.status, tenants.json.error.details]).toEqual([403, { scope: 'tenants:manage' }]);
  });

  it.each(wrongFields)(
    'When %s %s is sent with %j, then the refusal names %s',
    async (method, path, options, field) => {
      const answer = await api().call(method, path, options);

      expect([answer.status, answer.json]).toEqual([
        400,
        expect.objectContaining({ success: false, message: expect.any(String) }),
      ]);
      expect(fieldsOf(answer)).toContain(field);
      expect(answer.json.error.request_id).toBe(answer.headers.get('x-request-id'));
    },
  );

  it.each(wrongFieldsWithPhoto)(
    'When a photo for %s is sent with %j, then the refusal names %s',
    async (route, fields, field) => {
      const form = { ...fields, image: await photo() };

      const answer = await api().call('POST', `/api/v1/faces/${route}`, { form });

      expect([answer.status, fieldsOf(answer)]).toEqual([400, [field]]);
    },
  );

  it.each(wrongPhotos)('When %s is sent to enrol, then it is refused', async (_, options, status, code) => {
    const answer = await api().call('POST', '/api/v1/faces/enroll', await options());

    expect([answer.status, answer.json.error.code]).toEqual([status, code]);
  });

  it('When a path, a method or a content type is unknown, then the error code says so', async () => {
    const { call } = api();

    const nowhere = await call('GET', '/api/v1/nowhere');
    const method = await call('PUT', '/api/v1/faces/detect', { json: {} });
    const type = await call('POST', '/api/v1/persons', { body: 'name=x', headers: { 'content-type': 'text/plain' } });

    expect([nowhere.status, nowhere.json.error.code]).toEqual([404, 'ROUTE_NOT_FOUND']);
    expect([method.status, method.json.error.code]).toEqual([405, 'METHOD_NOT_ALLOWED']);
    expect([type.status, type.json.error.code]).toEqual([415, 'MEDIA_TYPE_UNSUPPORTED']);
  });

  it('When a change is sent twice with one Idempotency-Key, then it is made once, and a different request with that key is refused', async () => {
    const { call, tenant } = api();
    const headers = { 'idempotency-key': `${tenant}-once` };
    const create = (name: string) => call('POST', '/api/v1/persons', { headers, json: { name } });

    const [first, again, other] = [await create('Once'), await create('Once'), await create('Twice')];

    expect([first.status, again.status, other.status]).toEqual([201, 201, 422]);
    expect(again.json.data.person_id).toBe(first.json.data.person_id);
    expect(again.headers.get('idempotency-replayed')).toBe('true');
    expect(other.json.error.code).toBe('IDEMPOTENCY_KEY_REUSED');
  });
}
