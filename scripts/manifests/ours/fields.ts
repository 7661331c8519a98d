import type { KubernetesObject, Problem } from '../check.ts';
import { nameOf } from '../together.ts';

/** Path to an autoscaling annotation of a revision. */
export const autoscaling = (name: string) => [
  'spec',
  'template',
  'metadata',
  'annotations',
  `autoscaling.knative.dev/${name}`,
];

/** Paths to parts of a revision's or a job's pod. */
export const pod = ['spec', 'template', 'spec'];
export const container = [...pod, 'containers', 0];
export const security = [...container, 'securityContext'];

/** Returns the value at a path; undefined if there is none. */
export function at(value: unknown, path: readonly (string | number)[]): unknown {
  return path.reduce<unknown>((inner, part) => (inner as Record<string | number, unknown> | undefined)?.[part], value);
}

export const problem = (object: KubernetesObject, field: string, message: string): Problem => ({
  where: nameOf(object),
  field,
  message,
});

export const isFunction = ({ apiVersion, kind }: KubernetesObject): boolean =>
  apiVersion.startsWith('serving.knative.dev/') && kind === 'Service';
