import { randomUUID } from 'node:crypto';
import { expect } from 'vitest';
import { functions } from '../../../functions/registry.gen.ts';
import { isHttp } from '../../function/define.ts';
import { type Answer, type CallOptions, send } from '../send.ts';

/** Address and credentials of a running platform. */
export interface Target {
  /** Without a trailing slash. */
  readonly url: string;
  /** Key of the tenant `default`, with all rights. */
  readonly adminKey: string;
  /** Address at which the platform reaches this machine; FREEFACE_WEBHOOK_ALLOW must contain it. */
  readonly receiverHost: string;
  /** Receives a summary of the response times at the end. */
  readonly report?: (what: string) => void;
}

/** A separate tenant on that platform, so that other faces do not disturb the tests. */
export interface Api extends Target {
  readonly tenant: string;
  /** The first key of the tenant, with all rights in the tenant. */
  readonly key: string;
  /** Sends a request, with `key` by default. */
  call(method: string, path: string, options?: CallOptions): Promise<Answer>;
  /** By function: durations of its successful requests, in milliseconds. */
  readonly answered: ReadonlyMap<string, readonly number[]>;
}

export async function openApi(target: Target): Promise<Api> {
  const answered = new Map<string, number[]>();
  const call = async (method: string, path: string, options: CallOptions = {}): Promise<Answer> => {
    const began = performance.now();
    const answer = await send(target.url, method, path, options);
    const name = answer.status < 400 ? functionAt(method, path.split('?')[0]!) : undefined;
    if (name !== undefined) answered.set(name, [...(answered.get(name) ?? []), performance.now() - began]);
    return answer;
  };
  const tenant = `e2e-${randomUUID().slice(0, 8)}`;
  const made = await call('POST', '/api/v1/tenants', { as: target.adminKey, json: { tenant, name: 'End to end' } });
  expect(made.json).toMatchObject({ success: true, data: { tenant: { tenant, quota: { faces: null } } } });
  const key: string = made.json.data.api_key.key;
  return {
    ...target,
    tenant,
    key,
    answered,
    call: (method, path, options) => call(method, path, { as: key, ...options }),
  };
}

/** Every route of the API, with the name of its function. Paths without parameters come first: they take precedence if both match. */
export const routes = functions
  .map(({ manifest }) => manifest)
  .filter(isHttp)
  .map(({ name, trigger: { method, path, aliases = [] } }) => ({
    name,
    method,
    paths: [path, ...aliases].map((each) => new RegExp(`^${each.replace(/\{[^}]+\}/g, '[^/]+')}$`)),
    literal: !path.includes('{'),
  }))
  .sort((a, b) => Number(b.literal) - Number(a.literal));

const functionAt = (method: string, path: string): string | undefined =>
  routes.find((route) => route.method === method && route.paths.some((each) => each.test(path)))?.name;

/** Time-out of a case that waits for events, in milliseconds. */
export const patience = 600_000;

/** Polls until the assertion is true. Events are processed soon, but a platform scaled to zero must start first. */
export const soon = <Value>(ask: () => Promise<Value>) => expect.poll(ask, { timeout: patience / 3, interval: 200 });

/** The fields that a refusal names. */
export const fieldsOf = ({ json }: Answer): string[] =>
  (json?.error?.details ?? []).map(({ field }: { field: string }) => field);

/** An id that does not exist. */
export const unknownId = '01890000-0000-7000-8000-000000000000';
