import type { KubernetesObject, Problem } from '../check.ts';
import { findObject } from '../together.ts';
import { at, pod, problem } from './fields.ts';

/** Checks that a pod has its own service account, and that this account exists. */
export function checkOwnAccount(object: KubernetesObject, objects: readonly KubernetesObject[]): Problem[] {
  const { name } = object.metadata;
  const account = at(object, [...pod, 'serviceAccountName']);
  const say = (message: string) => problem(object, 'spec.template.spec.serviceAccountName', message);
  return [
    ...(account === name ? [] : [say(`must be ${name}, the account of this pod only`)]),
    ...(findObject(objects, 'v1', { kind: 'ServiceAccount', name: String(account) }, object) === undefined
      ? [say(`there is no ServiceAccount ${account}`)]
      : []),
  ];
}
