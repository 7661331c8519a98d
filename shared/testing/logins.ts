import { randomUUID } from 'node:crypto';
import { functions } from '../../functions/registry.gen.ts';
import { embeddedOpeners } from '../adapters/embedded/index.ts';
import type { Role } from '../domain/access.ts';
import { portsOf } from '../function/define.ts';
import type { Answer, PlatformOptions, TestPlatform } from './platform.ts';

const { accounts, audit, cache, records, events, webhooks } = embeddedOpeners;
const openers = { accounts, audit, cache, records, events, webhooks };

/** Functions that need no extractor, images, vectors or uploads. */
export const sightless = functions.filter(({ manifest }) =>
  portsOf(manifest).every((port) => Object.hasOwn(openers, port)),
);

/** Options for `sightless`: only its ports, and no limit for logins from one address. */
export const sightlessOptions: PlatformOptions = { openers, settings: { FREEFACE_RATE_LIMIT_LOGIN: '0' } };

export const goodPassword = 'three purple umbrellas';

export interface Login {
  readonly userId: string;
  readonly username: string;
  readonly token: string;
  readonly refreshToken: string;
}

/** Creates a user with `goodPassword` and logs in. `by`: key that creates the user; default the platform's admin key. */
export async function newLogin(
  { call }: TestPlatform,
  { role = 'operator', by, tenant = 'default' }: { role?: Role; by?: string; tenant?: string } = {},
): Promise<Login> {
  const username = `user-${randomUUID()}`;
  const json = { username, role, password: goodPassword };
  const created = await call('POST', '/api/v1/users', { json, ...(by === undefined ? {} : { as: by }) });
  if (created.status !== 201) throw new Error(`the user could not be created: ${JSON.stringify(created.json)}`);
  const answer = await logIn({ call }, { username, tenant });
  if (answer.status !== 200) throw new Error(`the login failed: ${JSON.stringify(answer.json)}`);
  const { access_token: token, refresh_token: refreshToken } = answer.json.data;
  return { userId: created.json.data.user_id, username, token, refreshToken };
}

/** Sends a login request without a key. */
export const logIn = (
  { call }: Pick<TestPlatform, 'call'>,
  { password = goodPassword, ...claim }: { username: string; password?: string; tenant?: string },
): Promise<Answer> => call('POST', '/api/v1/auth/login', { json: { ...claim, password }, as: null });
