import { inject } from 'vitest';
import { type Answer, type CallOptions, send } from '../../shared/testing/send.ts';
import { saw } from './kubernetes.ts';

/**
 * Sends a request through the gateway, with the admin key unless `options` has other credentials. Prints responses with status 500
 * or higher, and responses that took more than 10 s.
 */
export async function call(method: string, path: string, options: CallOptions = {}): Promise<Answer> {
  const began = performance.now();
  const answer = await send(inject('gateway'), method, path, { as: inject('adminKey'), ...options });
  const ms = Math.round(performance.now() - began);
  if (answer.status >= 500 || ms > 10_000) {
    const text = answer.status >= 500 ? Buffer.from(answer.bytes).toString().slice(0, 300) : '';
    saw(`${method} ${path} ${answer.status} in ${ms} ms ${text}`);
  }
  return answer;
}

/** Calls a service by its name in the cluster, as event sources do. */
export const callService = (name: string, method: string, path: string, options: CallOptions = {}): Promise<Answer> =>
  send(`http://${name}.freeface.svc.cluster.local`, method, path, options);

/** Returns the headers of a CloudEvent in binary mode. */
export const eventHeaders = (type: string, id: string, more: Readonly<Record<string, string>> = {}) => ({
  'ce-specversion': '1.0',
  'ce-type': type,
  'ce-source': '/proof',
  'ce-id': id,
  'content-type': 'application/json',
  ...more,
});
