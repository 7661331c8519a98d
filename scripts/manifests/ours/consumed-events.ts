import type { KubernetesObject, Problem } from '../check.ts';
import { problem } from './fields.ts';

export function checkConsumedEvents(object: KubernetesObject, objects: readonly KubernetesObject[]): Problem[] {
  const listOf = (each: KubernetesObject, name: string) => each.metadata.annotations?.[name]?.split(',') ?? [];
  const emitted = new Set(objects.flatMap((each) => listOf(each, 'freeface/emits')));
  // The extractor is called with an event by those who have an image; it reads no topic.
  const isCalled = (type: string) => type === 'freeface.image.extract.v1';
  return listOf(object, 'freeface/consumes')
    .filter((type) => !emitted.has(type) && !fromOutside.has(type) && !isCalled(type))
    .map((type) => problem(object, 'metadata.annotations.freeface/consumes', `nobody emits ${type}`));
}

/** Events that come from outside: KafkaSource makes them of what is no CloudEvent. */
const fromOutside = new Set(['dev.knative.kafka.event']);
