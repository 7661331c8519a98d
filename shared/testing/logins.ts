import { randomUUID } from 'node:crypto';
import { functions } from '../../functions/registry.gen.ts';
import { embeddedOpeners } from '../adapters/embedded/index.ts';
import type { Role } from '../domain/access.ts';
import { portsOf } from '../function/define.ts';
import type { Answer, PlatformOptions, TestPlatform } from './platform.ts';

const { accounts, audit, cache, records, events, webhooks } = embeddedOpeners;
const openers = { accounts, audit, cache, records, events, webhooks };

/** Everything that needs neither eyes nor images nor vectors. */
export const sightless = functions.filter(({ manifest }) =>
  portsOf(manifest).every((port) => Object.hasOwn(openers, port)),
);

/** For `sightless`: its ports alone, and no limit of logins from one address. */
export const sightlessOptions: PlatformOptions = { openers, settings: { FREEFACE_RATE_LIMIT_LOGIN: '0' } };

export const goodPassword = 'three purple umbrellas';

export interface Login {
  readonly userId: string;
  readonly username: string;
  readonly token: string;
  readonly refreshToken: string;
}

/** A new user with `goodPassword`, logged in. `by`: the key that makes the user, the platform's admin key by default. */
export async function newLogin(
  { call }: TestPlatform,
  { role = 'operator', by, tenant = 'default' }: { role?: Role; by?: string; tenant?: string } = {},
): Promise<Login> {
  const username = `user-${randomUUID()}`;
  const json = { username, role, password: goodPassword };
  const created = await call('POST', '/api/v1/users', { json, ...(by === undefined ? {} : { as: by }) });
  if (created.status !== 201) throw new Error(`the user could not be made: ${JSON.stringify(created.json)}`);
  const answer = await logIn({ call }, { username, tenant });
  if (answer.status !== 200) throw new Error(`the login failed: ${JSON.stringify(answer.json)}`);
  const { access_token: token, refresh_token: refreshToken } = answer.json.data;
  return { userId: created.json.data.user_id, username, token, refreshToken };
}

/** A call of the login, without a key. */
export const logIn = (
  { call }: Pick<TestPlatform, 'call'>,
  { password = goodPassword, ...claim }: { username: string; password?: string; tenant?: string },
): Promise<Answer> => call('POST', '/api/v1/auth/login', { json: { ...claim, password }, as: null });
