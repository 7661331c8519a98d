import type { KubernetesObject, Problem } from '../check.ts';
import { findObject } from '../together.ts';
import { at, problem } from './fields.ts';

/** Checks that the role and the account of a binding exist. */
export function checkRoleBinding(object: KubernetesObject, objects: readonly KubernetesObject[]): Problem[] {
  const exists = (group: string, kind: string, name: unknown) =>
    findObject(objects, group, { kind, name: String(name) }, object) !== undefined;
  const [role, account] = [at(object, ['roleRef', 'name']), at(object, ['subjects', 0, 'name'])];
  return [
    ...(exists('rbac.authorization.k8s.io/', 'Role', role)
      ? []
      : [problem(object, 'roleRef.name', `there is no Role ${role}`)]),
    ...(exists('v1', 'ServiceAccount', account)
      ? []
      : [problem(object, 'subjects[0].name', `there is no ServiceAccount ${account}`)]),
  ];
}
