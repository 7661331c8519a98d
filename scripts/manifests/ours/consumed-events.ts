import type { KubernetesObject, Problem } from '../check.ts';
import { problem } from './fields.ts';

/** Checks that a function emits each event type that the object consumes. */
export function checkConsumedEvents(object: KubernetesObject, objects: readonly KubernetesObject[]): Problem[] {
  const listOf = (each: KubernetesObject, name: string) => each.metadata.annotations?.[name]?.split(',') ?? [];
  const emitted = new Set(objects.flatMap((each) => listOf(each, 'freeface/emits')));
  // The extractor reads no topic: other functions call it directly with this event.
  const isCalled = (type: string) => type === 'freeface.image.extract.v1';
  return listOf(object, 'freeface/consumes')
    .filter((type) => !emitted.has(type) && !fromOutside.has(type) && !isCalled(type))
    .map((type) => problem(object, 'metadata.annotations.freeface/consumes', `no function emits ${type}`));
}

/** Event types from outside. KafkaSource gives this type to messages that are not CloudEvents. */
const fromOutside = new Set(['dev.knative.kafka.event']);
