import { describe, expect, it } from 'vitest';
import { newLogin, sightless, sightlessOptions } from '../../shared/testing/logins.ts';
import { sharedPlatform } from '../../shared/testing/platform.ts';

describe('GET audit', () => {
  const platform = sharedPlatform(sightless, sightlessOptions);
  const list = async (query: string) => (await platform().call('GET', `/api/v1/audit?${query}`)).json;

  it('When the log is filtered by person, then it has the reads and changes of the person, newest first, in pages', async () => {
    const { call } = platform();
    await call('POST', '/api/v1/persons', { json: { person_id: 'ada' } });
    for (let i = 0; i < 3; i++) await call('GET', '/api/v1/persons/ada');

    const first = await list('person_id=ada&limit=3');
    const second = await list(`person_id=ada&limit=3&page_token=${first.data.next_page_token}`);

    expect(first.data.entries.map(({ action }: { action: string }) => action)).toEqual([
      'get-person',
      'get-person',
      'get-person',
    ]);
    // The request for the first page has an entry too, but this entry is newer than both pages.
    expect(second.data.entries.map(({ action }: { action: string }) => action)).toEqual(['create-person']);
    expect(second.data.next_page_token).toBeNull();
    expect((await list('person_id=ada&action=list-audit')).data.entries).toHaveLength(2);
  });

  it('When the log is filtered by time and by actor, then it has only the entries that match', async () => {
    const { call } = platform();
    const login = await newLogin(platform());
    await call('GET', '/api/v1/persons/nobody', { as: login.token });
    const actor = `user:${login.userId}`;

    const { data } = await list(`actor=${encodeURIComponent(actor)}`);

    expect(data.entries.map(({ action }: { action: string }) => action)).toEqual(['get-person', 'log-in']);
    const at = encodeURIComponent(data.entries[0].at);
    expect((await list(`actor=${encodeURIComponent(actor)}&from=${at}`)).data.entries).toHaveLength(1);
    expect((await list(`actor=${encodeURIComponent(actor)}&to=${at}`)).data.entries).toHaveLength(1);
  });

  it.each(['person_id=%20', 'actor=ada', 'from=yesterday', 'page_token=made-up'])(
    'When a filter is wrong (%s), then the response is 400',
    async (query) => {
      const answer = await platform().call('GET', `/api/v1/audit?${query}`);

      expect(answer.status).toBe(400);
    },
  );

  it('When an operator asks, then the response is 403', async () => {
    const { token } = await newLogin(platform(), { role: 'operator' });

    const answer = await platform().call('GET', '/api/v1/audit', { as: token });

    expect([answer.status, answer.json.error.details]).toEqual([403, { scope: 'audit:read' }]);
  });
});
