import type { KubernetesObject, Problem } from '../check.ts';
import { at, pod, problem, security } from './fields.ts';

/** Checks that each of these fields has its value. */
export const checkFixedValues = (object: KubernetesObject, values: readonly Fixed[]): Problem[] =>
  values
    .filter(({ path, value }) => at(object, path) !== value)
    .map(({ path, value }) => problem(object, path.join('.'), `must be ${String(value)}`));

export interface Fixed {
  readonly path: readonly (string | number)[];
  readonly value: unknown;
}

/** Values of every pod. A default or a typing mistake must not change them. */
export const fixedOfPod: readonly Fixed[] = [
  { path: [...pod, 'enableServiceLinks'], value: false },
  { path: [...security, 'allowPrivilegeEscalation'], value: false },
  { path: [...security, 'readOnlyRootFilesystem'], value: true },
  { path: [...security, 'runAsNonRoot'], value: true },
  { path: [...security, 'capabilities', 'drop', 0], value: 'ALL' },
  { path: [...security, 'seccompProfile', 'type'], value: 'RuntimeDefault' },
];
