import type { KubernetesObject, Problem } from '../check.ts';
import { checkEnvironment } from './environment.ts';
import { at, container, pod, problem } from './fields.ts';
import { checkFixedValues, fixedOfPod } from './fixed-values.ts';
import { checkOwnAccount } from './own-account.ts';

/** Checks a Job. It has the restrictions of a function. Only a job that calls Kubernetes has a token and may reach Kubernetes. */
export function checkJob(object: KubernetesObject, objects: readonly KubernetesObject[]): Problem[] {
  const labels = (at(object, ['spec', 'template', 'metadata', 'labels']) ?? {}) as Record<string, string>;
  const { name } = object.metadata;
  const isBound = objects.some(
    (each) => each.kind === 'RoleBinding' && (at(each, ['subjects', 0, 'name']) as string) === name,
  );
  const reachesKubernetes = labels['freeface/reaches-kubernetes'] === 'true';
  return [
    ...checkFixedValues(object, [
      ...fixedOfPod,
      { path: [...pod, 'automountServiceAccountToken'], value: isBound },
      { path: [...container, 'args', 0], value: name },
    ]),
    ...checkOwnAccount(object, objects),
    ...checkEnvironment(object, objects, { FREEFACE_MODE: 'distributed' }),
    ...(reachesKubernetes === isBound
      ? []
      : [
          problem(
            object,
            'spec.template.metadata.labels.freeface/reaches-kubernetes',
            'must be set exactly if a RoleBinding names the account of the job',
          ),
        ]),
    ...(labels['app.kubernetes.io/name'] === name
      ? []
      : [problem(object, 'spec.template.metadata.labels', `must name the job, ${name}`)]),
  ];
}
