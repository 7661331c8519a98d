import { describe, expect, it } from 'vitest';
import { sharedPlatform, startPlatform } from '../../shared/testing/platform.ts';
import { functions } from '../registry.gen.ts';

const persons = '/api/v1/persons';

/** The functions for persons do not need the extractor. */
const withoutExtractor = functions.filter(({ manifest }) => !manifest.uses.includes('extractor'));

describe('persons', () => {
  const platform = sharedPlatform(withoutExtractor);

  it('When a person is created, then it can be read, and an event is published', async () => {
    const { call } = platform();

    const answer = await call('POST', persons, {
      json: { external_id: 'ext-1', name: 'Ada', metadata: { a: [1, { b: null }] } },
    });

    expect(answer.status).toBe(201);
    const { data } = answer.json;
    expect(answer.headers.get('location')).toBe(`${persons}/${data.person_id}`);
    expect(data).toEqual({
      person_id: data.person_id,
      external_id: 'ext-1',
      name: 'Ada',
      face_count: 0,
      created_at: expect.stringMatching(/Z$/),
      updated_at: data.created_at,
      metadata: { a: [1, { b: null }] },
      consent: null,
      version: 1,
    });
    expect((await call('GET', `${persons}/${data.person_id}`)).json.data).toEqual(data);
    const found = await call('GET', `${persons}/by_external_id/ext-1`);
    expect(found.json).toEqual({ success: true, message: 'Person found for external_id: ext-1', data });
    expect(await platform().events(1)).toContainEqual(
      expect.objectContaining({ type: 'freeface.person.created.v1', data: { person_id: data.person_id } }),
    );
  });

  it('When several requests create the same external id at the same time, then exactly one succeeds', async () => {
    const { call } = platform();

    const answers = await Promise.all(
      Array.from({ length: 8 }, () => call('POST', persons, { json: { external_id: 'race' } })),
    );

    expect(answers.map(({ status }) => status).sort()).toEqual([201, 409, 409, 409, 409, 409, 409, 409]);
    expect(answers.find(({ status }) => status === 409)?.json.error.code).toBe('EXTERNAL_ID_TAKEN');
  });

  it.each([
    ['metadata is too large', { metadata: { a: 'x'.repeat(17_000) } }, 'metadata'],
    ['metadata is not an object', { metadata: [1] }, 'metadata'],
    ['the external id has a control character', { external_id: 'a\u0007b' }, 'external_id'],
    ['the external id has a control character', { external_id: 'a\u0000b' }, 'external_id'],
    ['the person id has a slash', { person_id: 'a/b' }, 'person_id'],
    ['the person id is a reserved word', { person_id: 'by_external_ids' }, 'person_id'],
    ['the name is not a text', { name: 5 }, 'name'],
    ['the consent has no time', { consent: { basis: 'contract' } }, 'consent.given_at'],
    ['a field is unknown', { nmae: 'Ada' }, 'nmae'],
  ])('When %s, then the response is 400 and names the field', async (_, json, field) => {
    const answer = await platform().call('POST', persons, { json });

    expect([answer.status, answer.json.error.code, answer.json.error.details[0].field]).toEqual([
      400,
      'VALIDATION_FAILED',
      field,
    ]);
  });

  it('When a person is changed, then given fields are replaced, null clears a field, and other fields stay', async () => {
    const { call } = platform();
    const { data } = (await call('POST', persons, { json: { external_id: 'change', name: 'Ada', metadata: { a: 1 } } }))
      .json;

    const renamed = await call('PUT', `${persons}/${data.person_id}`, { json: { name: null, metadata: { b: 2 } } });

    expect(renamed.json.data).toMatchObject({ external_id: 'change', name: null, metadata: { b: 2 }, version: 2 });
    expect((await call('GET', `${persons}/${data.person_id}`)).json.data).toEqual(renamed.json.data);
  });

  it('When another request has changed the person, then a request with the old tag in If-Match gets 412', async () => {
    const { call } = platform();
    const created = await call('POST', persons, { json: { name: 'Ada' } });
    const url = `${persons}/${created.json.data.person_id}`;
    const tag = created.headers.get('etag') ?? '';

    const first = await call('PUT', url, { json: { name: 'Bea' }, headers: { 'if-match': tag } });
    const second = await call('PUT', url, { json: { name: 'Cea' }, headers: { 'if-match': tag } });

    expect([first.status, second.status, second.json.error.code]).toEqual([200, 412, 'VERSION_CONFLICT']);
    expect((await call('GET', url)).json.data.name).toBe('Bea');
  });

  it('When a change is empty, the person is missing or the external id is taken, then the response is 400, 404 or 409', async () => {
    const { call } = platform();
    await call('POST', persons, { json: { external_id: 'taken' } });
    const { data } = (await call('POST', persons, { json: {} })).json;

    const nothing = await call('PUT', `${persons}/${data.person_id}`, { json: {} });
    const missing = await call('PUT', `${persons}/nobody`, { json: { name: 'x' } });
    const taken = await call('PUT', `${persons}/${data.person_id}`, { json: { external_id: 'taken' } });

    expect([nothing.status, missing.status, taken.status]).toEqual([400, 404, 409]);
  });

  it('When persons are listed by external ids, then they come in the order of the ids, in pages, with a message', async () => {
    const { call } = platform();
    for (const id of ['ext_001', 'ext_003']) await call('POST', persons, { json: { external_id: id } });
    const url = `${persons}/by_external_ids?external_ids=ext_003,ext_002,ext_001`;

    const all = await call('GET', `${url}&limit=50`);
    const first = await call('GET', `${url}&limit=1`);
    const second = await call('GET', `${url}&limit=1&page_token=${first.json.data.next_page_token}`);

    expect(all.json).toMatchObject({
      message: 'Found 2 persons for 3 external_ids',
      data: {
        persons: [{ external_id: 'ext_003' }, { external_id: 'ext_001' }],
        next_page_token: null,
        has_more: false,
        external_ids: ['ext_003', 'ext_002', 'ext_001'],
      },
    });
    expect([first.json.data.persons[0].external_id, first.json.data.has_more]).toEqual(['ext_003', true]);
    expect([second.json.data.persons[0].external_id, second.json.data.has_more]).toEqual(['ext_001', false]);
  });

  it('When a page token belongs to another list or was changed, then the response is 400', async () => {
    const { call } = platform();
    for (const id of ['t1', 't2']) await call('POST', persons, { json: { external_id: id } });
    const { next_page_token: token } = (await call('GET', `${persons}/by_external_ids?external_ids=t1,t2&limit=1`)).json
      .data;
    const { next_page_token: listToken } = (await call('GET', `${persons}?limit=1`)).json.data;

    const answers = await Promise.all([
      call('GET', `${persons}/by_external_ids?external_ids=t2,t1&limit=1&page_token=${token}`),
      call('GET', `${persons}/by_external_ids?external_ids=t1,t2&limit=1&page_token=2${token.slice(1)}`),
      call('GET', `${persons}?limit=1&page_token=${token}`),
      call('GET', `${persons}?limit=1&page_token=${listToken.slice(0, -2)}AA`),
      call('GET', `${persons}?limit=1&page_token=nonsense`),
    ]);

    expect(answers.map(({ status, json }) => [status, json.error.code])).toEqual(
      Array.from({ length: 5 }, () => [400, 'PAGE_TOKEN_INVALID']),
    );
  });
});

describe('the list of persons', () => {
  it('When it is read in pages while persons are created and erased, then every remaining person comes once, oldest first', async () => {
    const { call } = await startPlatform(withoutExtractor);
    const ids: string[] = [];
    for (let i = 0; i < 9; i++)
      ids.push((await call('POST', persons, { json: { external_id: `p${i}` } })).json.data.person_id);

    const seen: string[] = [];
    let token: string | null = '';
    while (token !== null) {
      const { data }: { data: { persons: { person_id: string }[]; next_page_token: string | null } } = (
        await call('GET', `${persons}?limit=2${token === '' ? '' : `&page_token=${token}`}`)
      ).json;
      seen.push(...data.persons.map(({ person_id }) => person_id));
      token = data.next_page_token;
      if (seen.length === 4) {
        await call('DELETE', `${persons}/${ids[3]}`);
        await call('POST', persons, { json: { external_id: 'late' } });
      }
    }

    expect(seen.slice(0, 9)).toEqual(ids);
    expect(new Set(seen).size).toBe(seen.length);
  });

  it('When the limit is out of range, then the response is 400 and names the limit', async () => {
    const { call } = await startPlatform(withoutExtractor);

    const answers = await Promise.all(
      ['0', '501', 'x', '1.5'].map((limit) => call('GET', `${persons}?limit=${limit}`)),
    );

    expect(answers.map(({ json }) => json.error.details[0].field)).toEqual(['limit', 'limit', 'limit', 'limit']);
  });
});
