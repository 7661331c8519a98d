import { describe, expect, it } from 'vitest';
import { goodPassword, logIn, newLogin, sightless, sightlessOptions } from '../../shared/testing/logins.ts';
import { sharedPlatform } from '../../shared/testing/platform.ts';

const me = '/api/v1/auth/me';
const newPassword = 'four yellow bicycles';

describe('change-password', () => {
  const platform = sharedPlatform(sightless, sightlessOptions);
  const change = (as: string | null | undefined, old_password = goodPassword, new_password = newPassword) =>
    platform().call('POST', '/api/v1/auth/password', {
      json: { old_password, new_password },
      ...(as === undefined ? {} : { as }),
    });

  it('When a password is changed, then only the new one is valid, this login continues and the others end', async () => {
    const { call } = platform();
    const { username, token, refreshToken } = await newLogin(platform());
    const elsewhere = (await logIn({ call }, { username })).json.data.access_token;

    const answer = await change(token);

    expect([answer.status, answer.json.data.username]).toEqual([200, username]);
    expect((await call('GET', me, { as: token })).status).toBe(200);
    expect((await call('GET', me, { as: elsewhere })).status).toBe(401);
    const refreshed = await call('POST', '/api/v1/auth/refresh', { json: { refresh_token: refreshToken }, as: null });
    expect(refreshed.status).toBe(200);
    expect((await logIn({ call }, { username })).status).toBe(401);
    expect((await logIn({ call }, { username, password: newPassword })).status).toBe(200);
  });

  it('When the old password is wrong, then nothing changes, and after several failures the account is locked', async () => {
    const { username, token } = await newLogin(platform());

    const answers = [];
    for (let i = 0; i < 6; i++) answers.push(await change(token, 'not the one at all'));

    expect(answers.map(({ status }) => status)).toEqual([401, 401, 401, 401, 401, 429]);
    expect([answers[0]?.json.error.code, answers[5]?.json.error.code]).toEqual(['LOGIN_FAILED', 'LOGIN_LOCKED']);
    expect((await logIn(platform(), { username })).status).toBe(429);
    expect((await platform().call('GET', me, { as: token })).status).toBe(200);
  });

  it.each([
    ['short', 'elf letters'],
    ['easy to guess', 'password1234'],
    ['the same as the old one', goodPassword],
  ])('When the new password is %s, then the response is 400 and names the field', async (_, wanted) => {
    const { token } = await newLogin(platform());

    const answer = await change(token, goodPassword, wanted);

    expect([answer.status, answer.json.error.details[0].field]).toEqual([400, 'new_password']);
    expect(JSON.stringify(answer.json)).not.toContain(wanted);
  });

  it('When a user changes the password twice at the same time, then one change succeeds and the other gets 412', async () => {
    const { username, token } = await newLogin(platform());
    const wanted = ['four yellow bicycles', 'five green elephants'];

    const answers = await Promise.all(wanted.map((password) => change(token, goodPassword, password)));

    expect(answers.map(({ status }) => status).toSorted()).toEqual([200, 412]);
    const winner = wanted[answers.findIndex(({ status }) => status === 200)]!;
    expect((await logIn(platform(), { username, password: winner })).status).toBe(200);
  });

  it('When a service key changes a password, then the response is 403', async () => {
    expect((await change(undefined)).status).toBe(403);
  });
});
