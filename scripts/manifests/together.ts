import type { KubernetesObject, Problem } from './check.ts';
import { isoSeconds } from './forms.ts';

/** Problems between objects of which each is right alone. */

/** Knative's default of `timeoutSeconds`. */
const defaultRevisionTimeout = 300;

interface Reference {
  readonly kind?: string;
  readonly name?: string;
  readonly namespace?: string;
}
interface Destination {
  readonly ref?: Reference;
}
interface Spec {
  readonly sink?: Destination;
  readonly subscriber?: Destination;
  readonly delivery?: { readonly timeout?: string; readonly deadLetterSink?: Destination };
  readonly template?: { readonly spec?: { readonly timeoutSeconds?: number } };
}

/** Checks objects that are applied together. Each of them must have passed alone. */
export function checkTogether(objects: readonly KubernetesObject[]): Problem[] {
  return [...twice(objects), ...deliveryTimeouts(objects)];
}

function twice(objects: readonly KubernetesObject[]): Problem[] {
  const seen = new Set<string>();
  return objects.flatMap((object) => {
    const key = `${object.apiVersion} ${object.kind} ${object.metadata?.namespace} ${object.metadata?.name}`;
    if (!seen.has(key)) {
      seen.add(key);
      return [];
    }
    return [{ where: nameOf(object), field: 'metadata.name', message: 'is used by two objects' }];
  });
}

/** Checks that a delivery's time-out is shorter than the revision's. Otherwise the revision ends the request without a response. */
function deliveryTimeouts(objects: readonly KubernetesObject[]): Problem[] {
  return objects.flatMap((object) => {
    const { sink, subscriber, delivery } = (object.spec ?? {}) as Spec;
    const ref = (sink ?? subscriber)?.ref;
    if (ref?.kind !== 'Service' || typeof delivery?.timeout !== 'string') return [];
    const target = findObject(objects, 'serving.knative.dev/', ref, object);
    if (target === undefined) return [];
    const limit = (target.spec as Spec)?.template?.spec?.timeoutSeconds ?? defaultRevisionTimeout;
    if (isoSeconds(delivery.timeout) < limit) return [];
    const message = `${delivery.timeout} must be less than the ${limit} s that a request to ${ref.name} may take`;
    return [{ where: nameOf(object), field: 'spec.delivery.timeout', message }];
  });
}

/** Returns the object that `ref` names. `from`: the object that contains `ref`. */
export function findObject(
  objects: readonly KubernetesObject[],
  group: string,
  ref: Reference,
  from: KubernetesObject,
): KubernetesObject | undefined {
  const namespace = ref.namespace ?? from.metadata.namespace;
  return objects.find(
    ({ apiVersion, kind, metadata }) =>
      apiVersion?.startsWith(group) &&
      kind === ref.kind &&
      metadata?.name === ref.name &&
      metadata?.namespace === namespace,
  );
}

export const nameOf = ({ kind, metadata }: KubernetesObject): string => `${kind} ${metadata?.name ?? ''}`.trim();
