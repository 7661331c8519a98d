import type { KubernetesObject, Problem } from '../check.ts';
import { checkEnvironment } from './environment.ts';
import { checkExtractor } from './extractor.ts';
import { at, autoscaling, container, pod, problem } from './fields.ts';
import { checkFixedValues, type Fixed, fixedOfPod } from './fixed-values.ts';
import { checkOwnAccount } from './own-account.ts';

export function checkFunction(object: KubernetesObject, objects: readonly KubernetesObject[]): Problem[] {
  const problems = [...checkFixedValues(object, fixed), ...checkOwnAccount(object, objects)];
  const { name, namespace } = object.metadata;
  const target = Number(at(object, autoscaling('target')));
  const concurrency = Number(at(object, [...pod, 'containerConcurrency']));
  if (target > concurrency)
    problems.push(
      problem(object, autoscaling('target').join('.'), `${target} is more than an instance takes, ${concurrency}`),
    );
  problems.push(...checkEnvironment(object, objects, told));
  ((at(object, [...pod, 'volumes']) ?? []) as { emptyDir?: { sizeLimit?: string } }[]).forEach(({ emptyDir }, i) => {
    if (emptyDir !== undefined && emptyDir.sizeLimit === undefined)
      problems.push(
        problem(object, `spec.template.spec.volumes[${i}].emptyDir.sizeLimit`, 'is missing: it could fill the node'),
      );
  });
  problems.push(...checkExtractor(object));
  if (
    at(object, ['spec', 'template', 'metadata', 'labels', 'app.kubernetes.io/name']) !== name ||
    namespace === undefined
  )
    problems.push(problem(object, 'spec.template.metadata.labels', `must name the function, ${name}`));
  return problems;
}

/** And of a function. */
const fixed: readonly Fixed[] = [
  ...fixedOfPod,
  { path: ['metadata', 'labels', 'networking.knative.dev/visibility'], value: 'cluster-local' },
  { path: [...pod, 'automountServiceAccountToken'], value: false },
  { path: [...container, 'readinessProbe', 'httpGet', 'path'], value: '/health/readiness' },
  { path: [...container, 'livenessProbe', 'httpGet', 'path'], value: '/health/liveness' },
];

/** What a process in a cluster must be told. */
const told: Readonly<Record<string, string>> = {
  FREEFACE_MODE: 'distributed',
  FREEFACE_BEHIND_TLS: 'true',
  HOST: '0.0.0.0',
};
