import { randomUUID } from 'node:crypto';
import { expect } from 'vitest';
import { functions } from '../../../functions/registry.gen.ts';
import { isHttp } from '../../function/define.ts';
import { type Answer, type CallOptions, send } from '../send.ts';

/** A running platform, known by nothing but where it is. */
export interface Target {
  /** Without a slash at its end. */
  readonly url: string;
  /** May do everything, and belongs to the tenant `default`. */
  readonly adminKey: string;
  /** Address of this machine under which the platform reaches it, and which FREEFACE_WEBHOOK_ALLOW names. */
  readonly receiverHost: string;
  /** Is told at the end what the calls took. */
  readonly report?: (what: string) => void;
}

/** A tenant of its own on that platform, so that nobody else's faces are in the way. */
export interface Api extends Target {
  readonly tenant: string;
  /** The first key of the tenant; may do everything within it. */
  readonly key: string;
  /** A call with that key unless another is given. */
  call(method: string, path: string, options?: CallOptions): Promise<Answer>;
  /** Milliseconds of the calls that each function has answered with success. */
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

/** Every route of the API by the name of its function. Paths without parameters come first: they win where both fit. */
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

/** Milliseconds that a case may take which waits for events. */
export const patience = 600_000;

/** Asks until it is so. Whatever is done by events is done soon, and on a platform that sleeps once that has woken. */
export const soon = <Value>(ask: () => Promise<Value>) => expect.poll(ask, { timeout: patience / 3, interval: 200 });

/** The fields that a refused request is told of. */
export const fieldsOf = ({ json }: Answer): string[] =>
  (json?.error?.details ?? []).map(({ field }: { field: string }) => field);

/** Nobody's and nothing's id. */
export const nobody = '01890000-0000-7000-8000-000000000000';
