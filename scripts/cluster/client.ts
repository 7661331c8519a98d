import { inject } from 'vitest';
import { type Answer, type CallOptions, send } from '../../shared/testing/send.ts';

/** A call through the gateway, with the key that may do everything unless another is given. */
export const call = (method: string, path: string, options: CallOptions = {}): Promise<Answer> =>
  send(inject('gateway'), method, path, { as: inject('adminKey'), ...options });

/** A call of a service by its name in the cluster, as sources make it. */
export const callService = (name: string, method: string, path: string, options: CallOptions = {}): Promise<Answer> =>
  send(`http://${name}.freeface.svc.cluster.local`, method, path, options);

/** An event in binary mode. */
export const eventHeaders = (type: string, id: string, more: Readonly<Record<string, string>> = {}) => ({
  'ce-specversion': '1.0',
  'ce-type': type,
  'ce-source': '/proof',
  'ce-id': id,
  'content-type': 'application/json',
  ...more,
});

export const median = (numbers: readonly number[]): number =>
  [...numbers].sort((a, b) => a - b)[Math.floor(numbers.length / 2)]!;
