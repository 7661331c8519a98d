import { expect, it } from 'vitest';
import { functions } from '../../functions/registry.gen.ts';
import { startPlatform } from './platform.ts';
import { drawPortrait } from './portraits/index.ts';

it('When many requests are made at log level trace, then no log line contains an image, a password, a token or a key', async () => {
  const { call, adminKey, logs, close } = await startPlatform(functions, { settings: { LOG_LEVEL: 'trace' } });
  const image = Buffer.from(await drawPortrait({ person: 'kira' }));
  const image_data = image.toString('base64');
  const password = 'a-long-password-of-mia';
  const newPassword = 'another-password-of-mia';
  const secrets: Record<string, string> = { adminKey: adminKey!, password, newPassword };
  const name = 'Kira Ekström';

  await call('POST', '/api/v1/users', { json: { username: 'mia', name: 'Mia', role: 'operator', password } });
  await call('POST', '/api/v1/auth/login', { as: null, json: { username: 'mia', password: `${password}!` } });
  const login = await call('POST', '/api/v1/auth/login', { as: null, json: { username: 'mia', password } });
  secrets.accessToken = login.json.data.access_token;
  secrets.refreshToken = login.json.data.refresh_token;
  const as = secrets.accessToken!;
  await call('POST', '/api/v1/auth/password', { as, json: { old_password: password, new_password: newPassword } });
  const refreshed = await call('POST', '/api/v1/auth/refresh', {
    as: null,
    json: { refresh_token: secrets.refreshToken },
  });
  secrets.newRefreshToken = refreshed.json.data.refresh_token;
  secrets.newAccessToken = refreshed.json.data.access_token;
  await call('POST', '/api/v1/auth/refresh', { as: null, json: { refresh_token: `${secrets.newRefreshToken}x` } });
  const key = await call('POST', '/api/v1/api_keys', { json: { name: 'camera', scopes: ['faces:write'] } });
  secrets.apiKey = key.json.data.key;
  await call('GET', '/api/v1/persons', { as: secrets.apiKey! });
  await call('GET', '/api/v1/persons', { as: `${secrets.apiKey}x` });
  const person = { external_id: 'ext-of-kira', name };
  await call('POST', '/api/v1/faces/enroll', { json: { image_data, ...person } });
  await call('POST', '/api/v1/faces/enroll', { json: { image_data: `${image_data}!`, nonsense: newPassword } });
  await call('POST', '/api/v1/faces/enroll_async', { json: { image_data, person_id: 'kira-async' } });
  await call('POST', '/api/v1/faces/recognize', { form: { image } });
  await call('GET', '/api/v1/persons/by_external_id/ext-of-kira');
  await call('POST', '/api/v1/auth/logout', { as: secrets.newAccessToken! });
  await close();

  const text = logs.map((line) => JSON.stringify(line)).join('\n');
  const written = (secret: string) => text.includes(secret) || text.includes(secret.split('.').at(-1)!);
  expect(logs.length).toBeGreaterThan(20);
  expect(Object.entries(secrets).filter(([, secret]) => secret === undefined || written(secret))).toEqual([]);
  expect([image_data.slice(0, 40), image_data.slice(200, 240)].filter(written)).toEqual([]);
  expect([name, 'ext-of-kira'].filter(written)).toEqual([]);
});
