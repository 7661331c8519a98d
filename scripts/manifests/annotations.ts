import type * as z from 'zod';
import { goSeconds, refuse } from './forms.ts';

/** The metadata in which an annotation has an effect. Knative refuses or ignores it elsewhere. */
type Place = 'object' | 'revision';

interface Known {
  readonly places: readonly Place[];
  /** Returns what is wrong with a value; undefined if it is right. */
  readonly problem: (value: string) => string | undefined;
}

const whole =
  (minimum: number, maximum = Number.MAX_SAFE_INTEGER) =>
  (value: string): string | undefined =>
    /^\d+$/.test(value) && Number(value) >= minimum && Number(value) <= maximum
      ? undefined
      : `must be a whole number${maximum === Number.MAX_SAFE_INTEGER ? ` from ${minimum}` : ` between ${minimum} and ${maximum}`}`;
const decimal =
  (minimum: number, maximum = Number.MAX_VALUE) =>
  (value: string): string | undefined =>
    /^-?\d+(\.\d+)?$/.test(value) && Number(value) >= minimum && Number(value) <= maximum
      ? undefined
      : `must be a number from ${minimum}${maximum === Number.MAX_VALUE ? '' : ` to ${maximum}`}`;
const duration =
  (minimum: number, maximum: number) =>
  (value: string): string | undefined => {
    const seconds = goSeconds(value);
    return seconds >= minimum && seconds <= maximum ? undefined : `must be between ${minimum}s and ${maximum}s, as 30s`;
  };
const oneOf =
  (...values: readonly string[]) =>
  (value: string): string | undefined =>
    values.includes(value) ? undefined : `must be one of ${values.join(', ')}`;
const burst = (value: string): string | undefined => (value === '-1' ? undefined : decimal(0)(value));
const quantityOf = (value: string): string | undefined =>
  /^\d+(\.\d+)?(m|k|M|G|Ki|Mi|Gi)?$/.test(value) ? undefined : 'must be a quantity such as 100m or 128Mi';
const anything = (): undefined => undefined;

const onRevision = (problem: Known['problem']): Known => ({ places: ['revision'], problem });
const onObject = (problem: Known['problem']): Known => ({ places: ['object'], problem });
const anywhere = (problem: Known['problem']): Known => ({ places: ['object', 'revision'], problem });

const autoscaling: Readonly<Record<string, Known>> = {
  class: onRevision((value) =>
    /^(kpa|hpa)\.autoscaling\.knative\.dev$/.test(value) || !value.endsWith('.knative.dev')
      ? undefined
      : 'must be kpa.autoscaling.knative.dev or hpa.autoscaling.knative.dev',
  ),
  'min-scale': onRevision(whole(0)),
  'max-scale': onRevision(whole(0)),
  'initial-scale': onRevision(whole(0)),
  'activation-scale': onRevision(whole(1)),
  'scale-down-delay': onRevision(duration(0, 3600)),
  'scale-to-zero-pod-retention-period': onRevision(duration(0, 3600)),
  window: onRevision(duration(6, 3600)),
  target: onRevision(decimal(0.01)),
  'target-utilization-percentage': onRevision(decimal(1, 100)),
  'target-burst-capacity': onRevision(burst),
  'panic-window-percentage': onRevision(decimal(1, 100)),
  'panic-threshold-percentage': onRevision(decimal(110, 1000)),
  metric: onRevision(oneOf('concurrency', 'rps', 'cpu', 'memory')),
  'metric-aggregation-algorithm': onRevision(oneOf('linear', 'weightedExponential')),
};
/** Older spellings that Knative still reads. */
const older: Readonly<Record<string, string>> = Object.fromEntries(
  [
    'min-scale',
    'max-scale',
    'initial-scale',
    'activation-scale',
    'scale-down-delay',
    'scale-to-zero-pod-retention-period',
    'target-utilization-percentage',
    'target-burst-capacity',
    'panic-window-percentage',
    'panic-threshold-percentage',
  ].map((name) => [name.replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase()), name]),
);

const others: Readonly<Record<string, Known>> = {
  'serving.knative.dev/progress-deadline': onRevision(duration(1, 86_400)),
  'serving.knative.dev/rollout-duration': onObject(duration(0, 86_400)),
  'serving.knative.dev/creator': onObject(anything),
  'serving.knative.dev/lastModifier': onObject(anything),
  'serving.knative.dev/forceUpgrade': onObject(anything),
  'networking.knative.dev/ingress-class': onObject(anything),
  'networking.knative.dev/ingress.class': onObject(anything),
  'networking.knative.dev/certificate-class': onObject(anything),
  'networking.knative.dev/certificate.class': onObject(anything),
  'networking.knative.dev/disable-external-domain-tls': onObject(oneOf('true', 'false')),
  'networking.knative.dev/disable-auto-tls': onObject(oneOf('true', 'false')),
  'networking.knative.dev/disableAutoTLS': onObject(oneOf('true', 'false')),
  'networking.knative.dev/http-protocol': onObject(oneOf('enabled', 'redirected')),
  'networking.knative.dev/httpProtocol': onObject(oneOf('enabled', 'redirected')),
  'networking.knative.dev/http-option': onObject(oneOf('enabled', 'redirected')),
  'networking.knative.dev/wildcardDomain': onObject(anything),
  'queue.sidecar.serving.knative.dev/resource-percentage': onRevision(decimal(0.1, 100)),
  'queue.sidecar.serving.knative.dev/resourcePercentage': onRevision(decimal(0.1, 100)),
  'queue.sidecar.serving.knative.dev/cpu-resource-request': onRevision(quantityOf),
  'queue.sidecar.serving.knative.dev/cpu-resource-limit': onRevision(quantityOf),
  'queue.sidecar.serving.knative.dev/memory-resource-request': onRevision(quantityOf),
  'queue.sidecar.serving.knative.dev/memory-resource-limit': onRevision(quantityOf),
  'queue.sidecar.serving.knative.dev/ephemeral-storage-resource-request': onRevision(quantityOf),
  'queue.sidecar.serving.knative.dev/ephemeral-storage-resource-limit': onRevision(quantityOf),
  'features.knative.dev/http-full-duplex': onRevision(oneOf('enabled', 'disabled')),
  'features.knative.dev/queueproxy-podinfo': onRevision(oneOf('enabled', 'disabled')),
  'features.knative.dev/queueproxy-resource-defaults': onRevision(oneOf('enabled', 'disabled')),
  'client.knative.dev/user-image': anywhere(anything),
  'client.knative.dev/updateTimestamp': anywhere(anything),
  'eventing.knative.dev/broker.class': onObject((value) =>
    value === '' ? 'must name a broker class' : oneOfOwnClasses(value),
  ),
  'eventing.knative.dev/scope': onObject(oneOf('cluster', 'resource', 'namespace')),
  'eventing.knative.dev/creator': onObject(anything),
  'eventing.knative.dev/lastModifier': onObject(anything),
  'eventing.knative.dev/dependency': onObject(anything),
  'knative.dev/dependency': onObject(anything),
  'kafka.eventing.knative.dev/delivery.order': onObject(oneOf('ordered', 'unordered')),
  'kafka.eventing.knative.dev/external.topic': onObject(anything),
  'messaging.knative.dev/subscribable': onObject(anything),
  'messaging.knative.dev/creator': onObject(anything),
  'messaging.knative.dev/lastModifier': onObject(anything),
  'sources.knative.dev/creator': onObject(anything),
  'sources.knative.dev/lastModifier': onObject(anything),
  'autoscaling.eventing.knative.dev/class': onObject(oneOf('keda.autoscaling.knative.dev', 'disabled')),
  'autoscaling.eventing.knative.dev/min-scale': onObject(whole(0)),
  'autoscaling.eventing.knative.dev/max-scale': onObject(whole(1)),
  'autoscaling.eventing.knative.dev/polling-interval': onObject(whole(1)),
  'autoscaling.eventing.knative.dev/cooldown-period': onObject(whole(1)),
  'autoscaling.eventing.knative.dev/lag-threshold': onObject(whole(1)),
  'autoscaling.eventing.knative.dev/activation-lag-threshold': onObject(whole(0)),
};

function oneOfOwnClasses(value: string): string | undefined {
  return oneOf('MTChannelBasedBroker', 'Kafka', 'KafkaNamespaced', 'RabbitMQBroker')(value);
}

function known(name: string): Known | undefined {
  const [, own] = /^autoscaling\.knative\.dev\/(.+)$/.exec(name) ?? [];
  return own === undefined ? others[name] : autoscaling[older[own] ?? own];
}

/**
 * Checks annotations of Knative's domains: the names against a list, and the values against the forms that Knative reads.
 * Ignores annotations of other domains. `path`: the annotations' path in the object.
 */
export function checkAnnotations(
  annotations: Readonly<Record<string, string>> | undefined,
  place: Place,
  path: readonly string[],
  context: z.RefinementCtx,
): void {
  for (const [name, value] of Object.entries(annotations ?? {})) {
    if (!/(^|\.)knative\.dev\//.test(name)) continue;
    const entry = known(name);
    if (entry === undefined) refuse(context, [...path, name], 'is not an annotation that Knative knows');
    else if (!entry.places.includes(place))
      refuse(
        context,
        [...path, name],
        `has no effect here: move it to ${place === 'object' ? "the template's metadata" : "the object's metadata"}`,
      );
    else {
      const problem = entry.problem(value);
      if (problem !== undefined) refuse(context, [...path, name], `${problem}, not ${value}`);
    }
  }
}

/** Returns the value of an autoscaling annotation, under its current or its older name. */
export function autoscalingValue(annotations: Readonly<Record<string, string>>, name: string): string | undefined {
  const [oldName] = Object.entries(older).find(([, current]) => current === name) ?? [];
  return (
    annotations[`autoscaling.knative.dev/${name}`] ??
    (oldName === undefined ? undefined : annotations[`autoscaling.knative.dev/${oldName}`])
  );
}
