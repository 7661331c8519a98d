import type { KubernetesObject, Problem } from '../check.ts';
import { findObject } from '../together.ts';
import { at, problem } from './fields.ts';

/** Checks that the sink of a source is a function that exists. */
export function checkSink(object: KubernetesObject, objects: readonly KubernetesObject[]): Problem[] {
  const ref = at(object, ['spec', 'sink', 'ref']) as { kind?: string; name?: string } | undefined;
  if (ref !== undefined && findObject(objects, 'serving.knative.dev/', ref, object) !== undefined) return [];
  return [problem(object, 'spec.sink', `there is no function ${ref?.name}`)];
}
