import type { KubernetesObject, Problem } from '../check.ts';
import { findObject } from '../together.ts';
import { at, problem } from './fields.ts';

/** A right that nobody has, or that somebody has who is not there, is a slip. */
export function checkRoleBinding(object: KubernetesObject, objects: readonly KubernetesObject[]): Problem[] {
  const there = (group: string, kind: string, name: unknown) =>
    findObject(objects, group, { kind, name: String(name) }, object) !== undefined;
  const [role, account] = [at(object, ['roleRef', 'name']), at(object, ['subjects', 0, 'name'])];
  return [
    ...(there('rbac.authorization.k8s.io/', 'Role', role)
      ? []
      : [problem(object, 'roleRef.name', `there is no Role ${role}`)]),
    ...(there('v1', 'ServiceAccount', account)
      ? []
      : [problem(object, 'subjects[0].name', `there is no account ${account}`)]),
  ];
}
