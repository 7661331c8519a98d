import type { KubernetesObject, Problem } from '../check.ts';
import { checkEnvironment } from './environment.ts';
import { checkExtractor } from './extractor.ts';
import { at, autoscaling, container, pod, problem } from './fields.ts';
import { checkFixedValues, type Fixed, fixedOfPod } from './fixed-values.ts';
import { checkOwnAccount } from './own-account.ts';

/** Checks the Knative Service of a function. */
export function checkFunction(object: KubernetesObject, objects: readonly KubernetesObject[]): Problem[] {
  const problems = [...checkFixedValues(object, fixed), ...checkOwnAccount(object, objects)];
  const { name, namespace } = object.metadata;
  const target = Number(at(object, autoscaling('target')));
  const concurrency = Number(at(object, [...pod, 'containerConcurrency']));
  if (target > concurrency)
    problems.push(
      problem(object, autoscaling('target').join('.'), `${target} is more than containerConcurrency, ${concurrency}`),
    );
  problems.push(...checkEnvironment(object, objects, fixedVariables));
  ((at(object, [...pod, 'volumes']) ?? []) as { emptyDir?: { sizeLimit?: string } }[]).forEach(({ emptyDir }, i) => {
    if (emptyDir !== undefined && emptyDir.sizeLimit === undefined)
      problems.push(
        problem(
          object,
          `spec.template.spec.volumes[${i}].emptyDir.sizeLimit`,
          'is missing: the volume could fill the disk of the node',
        ),
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

/** Values of every function. */
const fixed: readonly Fixed[] = [
  ...fixedOfPod,
  { path: ['metadata', 'labels', 'networking.knative.dev/visibility'], value: 'cluster-local' },
  { path: [...pod, 'automountServiceAccountToken'], value: false },
  { path: [...container, 'readinessProbe', 'httpGet', 'path'], value: '/health/readiness' },
  { path: [...container, 'livenessProbe', 'httpGet', 'path'], value: '/health/liveness' },
];

/** Variables with a fixed value in a cluster. */
const fixedVariables: Readonly<Record<string, string>> = {
  FREEFACE_MODE: 'distributed',
  FREEFACE_BEHIND_TLS: 'true',
  HOST: '0.0.0.0',
};
