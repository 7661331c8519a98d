import { expect, it } from 'vitest';
import { type Api, unknownId } from './api.ts';

export function personCases(api: () => Api): void {
  it('When a person is created, then they are found by either id, updated only with the current version, and not found once erased', async () => {
    const { call } = api();
    const json = { external_id: 'ext 1/ä', name: 'Ada Lovelace', metadata: { team: 'engines' } };

    const created = await call('POST', '/api/v1/persons', { json });
    const { person_id } = created.json.data;
    const path = `/api/v1/persons/${person_id}`;
    const twice = await call('POST', '/api/v1/persons', { json });
    const seen = await call('GET', path);
    const byExternalId = await call('GET', `/api/v1/persons/by_external_id/${encodeURIComponent(json.external_id)}`);
    const tag = seen.headers.get('etag')!;
    const update = { json: { name: 'Ada King' }, headers: { 'if-match': tag } };
    const changed = await call('PUT', path, update);
    const stale = await call('PUT', path, update);
    const erased = await call('DELETE', path);

    expect([created.status, created.headers.get('location')]).toEqual([201, path]);
    expect([twice.status, twice.json.error.code]).toEqual([409, 'EXTERNAL_ID_TAKEN']);
    expect(seen.json.data).toMatchObject({ ...json, face_count: 0, version: 1 });
    expect(byExternalId.json.data.person_id).toBe(person_id);
    expect(changed.json.data).toMatchObject({ ...json, name: 'Ada King', version: 2 });
    expect([stale.status, stale.json.error.code]).toEqual([412, 'VERSION_CONFLICT']);
    expect(erased.json.data.erased).toEqual({ faces: 0, vectors: 0, images: 0 });
    expect([(await call('GET', path)).status, (await call('PUT', path, { json: { name: 'x' } })).status]).toEqual([
      410, 410,
    ]);
    expect((await call('GET', '/api/v1/persons/by_external_id/unknown')).json.error.code).toBe('PERSON_NOT_FOUND');
    expect((await call('GET', `/api/v1/persons/${unknownId}/timeline`)).status).toBe(404);
  });

  it('When persons are listed, then the pages contain each person once, and a list by external ids keeps its order', async () => {
    const { call } = api();
    const ids = ['list-1', 'list-2', 'list-3'];
    for (const external_id of ids) await call('POST', '/api/v1/persons', { json: { external_id } });
    const pages = async (path: string) => {
      const persons: { external_id: string }[] = [];
      for (let token = ''; ; ) {
        const { data } = (await call('GET', `${path}limit=2${token && `&page_token=${token}`}`)).json;
        persons.push(...data.persons);
        if (!data.has_more) return persons.map(({ external_id }) => external_id);
        token = data.next_page_token;
      }
    };

    const all = await pages('/api/v1/persons?');
    const named = await pages('/api/v1/persons/by_external_ids?external_ids=list-3,unknown,list-1,list-2&');

    expect(all.filter((each) => ids.includes(each)).sort()).toEqual(ids);
    expect(named).toEqual(['list-3', 'list-1', 'list-2']);
    expect((await call('GET', '/api/v1/persons?page_token=made-up')).json.error.code).toBe('PAGE_TOKEN_INVALID');
  });
}
