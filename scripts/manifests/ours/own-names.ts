import type { KubernetesObject, Problem } from '../check.ts';
import { at, problem } from './fields.ts';

/** Labels and annotations of our own domain: somebody reads each of them. */
export function checkOwnNames(object: KubernetesObject): Problem[] {
  const places = [['metadata'], ['spec', 'template', 'metadata']].flatMap((path) =>
    ['labels', 'annotations'].map((name) => [...path, name]),
  );
  const known =
    /^freeface\/(reaches-(scylla|milvus|s3|kafka|dragonfly|extractor|outbox|internet|issuer|kubernetes)|emits|consumes|metrics)$/;
  return places.flatMap((path) =>
    Object.keys((at(object, path) ?? {}) as object)
      .filter((name) => name.startsWith('freeface/') && !known.test(name))
      .map((name) => problem(object, [...path, name].join('.'), 'is read by nobody')),
  );
}
