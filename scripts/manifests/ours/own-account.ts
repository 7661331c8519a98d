import type { KubernetesObject, Problem } from '../check.ts';
import { findObject } from '../together.ts';
import { at, pod, problem } from './fields.ts';

/** A pod has an account of its own, which is there. */
export function checkOwnAccount(object: KubernetesObject, objects: readonly KubernetesObject[]): Problem[] {
  const { name } = object.metadata;
  const account = at(object, [...pod, 'serviceAccountName']);
  const say = (message: string) => problem(object, 'spec.template.spec.serviceAccountName', message);
  return [
    ...(account === name ? [] : [say(`must be its own, ${name}`)]),
    ...(findObject(objects, 'v1', { kind: 'ServiceAccount', name: String(account) }, object) === undefined
      ? [say(`there is no account ${account}`)]
      : []),
  ];
}
