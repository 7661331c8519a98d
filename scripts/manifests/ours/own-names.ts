import type { KubernetesObject, Problem } from '../check.ts';
import { at, problem } from './fields.ts';

/** Checks that labels and annotations of our own domain have known names. */
export function checkOwnNames(object: KubernetesObject): Problem[] {
  const places = [['metadata'], ['spec', 'template', 'metadata']].flatMap((path) =>
    ['labels', 'annotations'].map((name) => [...path, name]),
  );
  const known =
    /^freeface\/(reaches-(scylla|milvus|s3|kafka|dragonfly|extractor|outbox|internet|issuer|kubernetes)|emits|consumes|metrics)$/;
  return places.flatMap((path) =>
    Object.keys((at(object, path) ?? {}) as object)
      .filter((name) => name.startsWith('freeface/') && !known.test(name))
      .map((name) => problem(object, [...path, name].join('.'), 'is unknown: nothing reads it')),
  );
}
