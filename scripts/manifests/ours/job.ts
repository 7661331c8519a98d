import type { KubernetesObject, Problem } from '../check.ts';
import { checkEnvironment } from './environment.ts';
import { at, container, pod, problem } from './fields.ts';
import { checkFixedValues, fixedOfPod } from './fixed-values.ts';
import { checkOwnAccount } from './own-account.ts';

/** A Job is guarded as a function is; only who asks Kubernetes has a token, and may reach it. */
export function checkJob(object: KubernetesObject, objects: readonly KubernetesObject[]): Problem[] {
  const labels = (at(object, ['spec', 'template', 'metadata', 'labels']) ?? {}) as Record<string, string>;
  const { name } = object.metadata;
  const isBound = objects.some(
    (each) => each.kind === 'RoleBinding' && (at(each, ['subjects', 0, 'name']) as string) === name,
  );
  const asks = labels['freeface/reaches-kubernetes'] === 'true';
  return [
    ...checkFixedValues(object, [
      ...fixedOfPod,
      { path: [...pod, 'automountServiceAccountToken'], value: isBound },
      { path: [...container, 'args', 0], value: name },
    ]),
    ...checkOwnAccount(object, objects),
    ...checkEnvironment(object, objects, { FREEFACE_MODE: 'distributed' }),
    ...(asks === isBound
      ? []
      : [problem(object, 'spec.template.metadata.labels.freeface/reaches-kubernetes', 'does not go with its rights')]),
    ...(labels['app.kubernetes.io/name'] === name
      ? []
      : [problem(object, 'spec.template.metadata.labels', `must name the job, ${name}`)]),
  ];
}
