import { type ExecutionProvider, mostThreads } from '../../../shared/domain/execution-provider.ts';
import { extractionLimits } from '../../../shared/vision/extraction-limits.ts';
import type { KubernetesObject, Problem } from '../check.ts';
import { amount, threadsOf } from '../forms.ts';
import { extractor } from '../names.ts';
import { variablesOf } from './environment.ts';
import { at, container, pod, problem } from './fields.ts';

/**
 * Checks that the extractor runs one thread for each processor that it requests, and that Knative lets more requests through than
 * the extractor accepts. A request of less than one processor is for small machines; then any number of threads is right.
 * See: [Note: The extractor sheds requests]
 */
export function checkExtractor(object: KubernetesObject): Problem[] {
  if (object.metadata.name !== extractor) return [];
  const variables = variablesOf(object);
  const cpu = String(at(object, [...container, 'resources', 'requests', 'cpu']));
  const given = variables.find(({ name }) => name === 'FREEFACE_THREADS')?.value ?? '';
  const isRight = amount(cpu) < 1 ? /^[1-9]\d*$/.test(given) : given === String(threadsOf(cpu));
  if (!isRight)
    return [
      problem(
        object,
        `${container.join('.')}.env`,
        `FREEFACE_THREADS must be ${threadsOf(cpu)}, the number of requested processors`,
      ),
    ];
  const provider = variables.find(({ name }) => name === 'FREEFACE_EXECUTION_PROVIDER')?.value ?? 'cpu';
  if (Number(given) > (mostThreads[provider as ExecutionProvider] ?? 0))
    return [
      problem(object, `${container.join('.')}.env`, `FREEFACE_THREADS ${given} is more than ${provider} can run`),
    ];
  const { working, waiting } = extractionLimits(Number(given));
  const concurrency = Number(at(object, [...pod, 'containerConcurrency']));
  return concurrency > working + waiting
    ? []
    : [
        problem(
          object,
          'spec.template.spec.containerConcurrency',
          `must be above the ${working + waiting} requests that the function accepts; otherwise Knative sheds with 503`,
        ),
      ];
}
