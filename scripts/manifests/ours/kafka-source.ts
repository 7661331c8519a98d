import { isDeepStrictEqual } from 'node:util';
import type { KubernetesObject, Problem } from '../check.ts';
import { findObject, nameOf } from '../together.ts';
import { at, problem } from './fields.ts';
import { checkSink } from './sink.ts';

/** Checks a KafkaSource with its sink of dead letters and its topics. */
export function checkKafkaSource(object: KubernetesObject, objects: readonly KubernetesObject[]): Problem[] {
  const problems = checkSink(object, objects);
  if (at(object, ['spec', 'initialOffset']) !== 'earliest')
    problems.push(
      problem(
        object,
        'spec.initialOffset',
        'must be earliest: otherwise events from before the source exists are lost',
      ),
    );
  const dead = at(object, ['spec', 'delivery', 'deadLetterSink', 'ref']) as
    | { kind?: string; name?: string }
    | undefined;
  if (dead?.kind !== 'KafkaSink')
    problems.push(problem(object, 'spec.delivery.deadLetterSink', 'must be a KafkaSink, because it is durable'));
  else {
    const sink = findObject(objects, 'eventing.knative.dev/', dead, object);
    if (sink === undefined)
      problems.push(problem(object, 'spec.delivery.deadLetterSink', `there is no KafkaSink ${dead.name}`));
    else problems.push(...kafkaSecurity(object, sink, objects));
  }
  const topics = objects.filter(({ kind }) => kind === 'KafkaTopic');
  const consumers = Number(at(object, ['spec', 'consumers']));
  for (const topic of (at(object, ['spec', 'topics']) ?? []) as string[]) {
    const found = topics.find((each) => at(each, ['spec', 'topicName']) === topic);
    if (topics.length > 0 && found === undefined)
      problems.push(problem(object, 'spec.topics', `there is no KafkaTopic ${topic}`));
    if (found !== undefined && consumers > Number(at(found, ['spec', 'partitions'])))
      problems.push(
        problem(object, 'spec.consumers', `${consumers} is more than the number of partitions of ${topic}`),
      );
  }
  return problems;
}

/** Checks that the settings for SASL and TLS are complete, and the same for all sources and the sink of dead letters. */
function kafkaSecurity(
  object: KubernetesObject,
  sink: KubernetesObject,
  objects: readonly KubernetesObject[],
): Problem[] {
  const net = (at(object, ['spec', 'net']) ?? {}) as Readonly<Record<string, Secured>>;
  const problems: Problem[] = [];
  const secrets = new Set<string | undefined>();
  for (const [name, parts] of Object.entries(securedParts)) {
    const given = net[name];
    if (given === undefined) continue;
    if (given.enable !== true) problems.push(problem(object, `spec.net.${name}.enable`, 'must be true'));
    for (const part of parts) {
      const reference = (given[part] as { secretKeyRef?: { name: string } } | undefined)?.secretKeyRef;
      secrets.add(reference?.name);
      if (reference === undefined)
        problems.push(problem(object, `spec.net.${name}.${part}`, 'must name a key of a Secret'));
    }
  }
  if (net.tls !== undefined && net.sasl === undefined)
    problems.push(
      problem(object, 'spec.net.sasl', 'is missing: a source with TLS and without SASL requires a client certificate'),
    );
  const others = objects.filter(({ kind }) => kind === 'KafkaSource');
  const other = others.find((each) => !isDeepStrictEqual(at(each, ['spec', 'net']), at(object, ['spec', 'net'])));
  if (other !== undefined) problems.push(problem(object, 'spec.net', `must be the same as in ${nameOf(other)}`));
  const ofSink = at(sink, ['spec', 'auth', 'secret', 'ref', 'name']) as string | undefined;
  if (ofSink !== undefined && secrets.size === 0)
    problems.push(problem(object, 'spec.net', `is missing: ${nameOf(sink)} authenticates, so the source must too`));
  for (const secret of secrets)
    if (secret !== undefined && secret !== ofSink)
      problems.push(problem(object, 'spec.net', `uses the Secret ${secret}, but ${nameOf(sink)} uses ${ofSink}`));
  return problems;
}

interface Secured {
  readonly enable?: boolean;
  readonly [part: string]: { readonly secretKeyRef?: { readonly name: string } } | boolean | undefined;
}

/** Fields that a KafkaSource needs for SASL and for TLS. */
const securedParts = { sasl: ['type', 'user', 'password'], tls: ['caCert'] } as const;
