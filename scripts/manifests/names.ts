import type { Manifest } from '../../shared/function/define.ts';

/** Namespace of all generated objects. It is fixed, because the hosts that a gateway rewrites contain it. */
export const namespace = 'freeface';

/** Kubernetes' recommended labels, for the objects of a function. */
export const labelsOf = (name: string): Record<string, string> => ({
  'app.kubernetes.io/name': name,
  'app.kubernetes.io/part-of': 'freeface',
});

/** Label of the objects that jobs need before the functions exist. These objects can be applied alone. */
export const foundation = { 'app.kubernetes.io/component': 'foundation' };

/** Name of a function's image. An overlay replaces it by a registry's name and a digest. */
export const imageOf = (name: string, version: string): string => `dev.local/freeface/${name}:${version}`;

/** Host of a function's service within the cluster. */
export const hostOf = (name: string): string => `${name}.${namespace}.svc.cluster.local`;

/**
 * Knative's ingress, through which a gateway reaches a function. This is Kourier's Service; an overlay can replace it.
 *
 * [Note: A backend is the ingress]
 * The Kubernetes Service of a Knative Service is an ExternalName that points to the ingress. Gateway API advises against an ExternalName
 * as a backend, and gateways refuse it. So the backend of each rule is the ingress's real Service, and the rule sets the host of the
 * function. The ingress finds the function by this host. The ingress's Service is in another namespace; a ReferenceGrant there allows
 * the reference.
 */
export const ingress = { name: 'kourier-internal', namespace: 'kourier-system' };

/** The function that the extractor port of all other functions calls. */
export const extractor = 'extract-faces';

/** Image with the commands that the jobs run. No function has this name. */
export const commandLine = 'command-line';

/** Topic of a function's events; null if callers call the function directly. */
export const topicOf = ({ trigger }: Manifest): string | null => (trigger.kind === 'event' ? trigger.topic : null);

/** The function that publishes events from the outbox. Other functions store them there with their rows. */
export const publisher = 'sweep-outbox';

/** ConfigMap with the addresses of the stores. */
export const storesConfig = 'freeface-stores';
/** ConfigMap with optional settings. */
export const settingsConfig = 'freeface-settings';
/** ConfigMap with certificates, under the key `ca.crt`. */
export const certificatesConfig = 'freeface-ca';
/** Secret with the credentials of a store. */
export const secretOf = (store: string): string => `freeface-${store}`;
/** Secret that receives the first key. */
export const adminKeySecret = 'freeface-admin-key';
/** KafkaSink of dead letters. */
export const deadLetterSink = 'freeface-dead-letters';

/** Annotations with the event types that a service emits and consumes. Our rules and people read them. */
export const emitsAnnotation = 'freeface/emits';
export const consumesAnnotation = 'freeface/consumes';
