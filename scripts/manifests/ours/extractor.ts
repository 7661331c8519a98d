import { type ExecutionProvider, mostThreads } from '../../../shared/vision/execution-provider.ts';
import { extractionLimits } from '../../../shared/vision/extraction-limits.ts';
import type { KubernetesObject, Problem } from '../check.ts';
import { amount, threadsOf } from '../forms.ts';
import { extractor } from '../names.ts';
import { variablesOf } from './environment.ts';
import { at, container, pod, problem } from './fields.ts';

/**
 * The extractor runs as many threads as it asks processors for, and sheds by itself. Less than one processor is asked for where
 * machines are small, and says nothing of how many there are. See: [Note: The extractor sheds by itself]
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
        `FREEFACE_THREADS must be ${threadsOf(cpu)}, as many as it asks processors for`,
      ),
    ];
  const provider = variables.find(({ name }) => name === 'FREEFACE_EXECUTION_PROVIDER')?.value ?? 'cpu';
  if (Number(given) > (mostThreads[provider as ExecutionProvider] ?? 0))
    return [problem(object, `${container.join('.')}.env`, `FREEFACE_THREADS ${given} is more than ${provider} runs`)];
  const { working, waiting } = extractionLimits(Number(given));
  const concurrency = Number(at(object, [...pod, 'containerConcurrency']));
  return concurrency > working + waiting
    ? []
    : [
        problem(
          object,
          'spec.template.spec.containerConcurrency',
          `must be above the ${working + waiting} that it takes by itself: Knative would shed, and with 503`,
        ),
      ];
}
