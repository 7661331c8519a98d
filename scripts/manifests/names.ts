import type { Manifest } from '../../shared/runtime/define.ts';

/** Everything generated lives in one namespace; a gateway's rewritten hosts name it, so it is fixed. */
export const namespace = 'freeface';

/** Kubernetes' recommended labels of what belongs to a function. */
export const labelsOf = (name: string): Record<string, string> => ({
  'app.kubernetes.io/name': name,
  'app.kubernetes.io/part-of': 'freeface',
});

/** Label of what jobs need before there are functions; it can be applied alone. */
export const foundation = { 'app.kubernetes.io/component': 'foundation' };

/** Image of a function before an overlay puts a registry and a digest in its place. */
export const imageOf = (name: string, version: string): string => `dev.local/freeface/${name}:${version}`;

/** Where requests to a function's service go from within the cluster. */
export const hostOf = (name: string): string => `${name}.${namespace}.svc.cluster.local`;

/**
 * Knative's ingress, through which a gateway reaches a function: as Kourier has it; an overlay puts another in its place.
 *
 * [Note: A backend is the ingress]
 * A Knative Service's own Service is an ExternalName for the ingress, and gateways do not take those as backends, by advice of Gateway
 * API itself. So each rule leads to the ingress's real Service, and the host that it writes says which function is meant. That Service is
 * in another namespace, which a ReferenceGrant there allows.
 */
export const ingress = { name: 'kourier-internal', namespace: 'kourier-system' };

/** The function that answers the extractor port of all others. */
export const extractor = 'extract-faces';

/** The image of the commands that the jobs run; no function has this name. */
export const commandLine = 'command-line';

/** Topic that a function's events come from; null: it is called directly. */
export const topicOf = ({ trigger }: Manifest): string | null => (trigger.kind === 'event' ? trigger.topic : null);

/** The function that publishes what others wrote with their rows. */
export const publisher = 'sweep-outbox';

/** ConfigMaps of the stores' addresses, of optional settings, and of certificates (`ca.crt`); and the sink of dead letters. */
export const storesConfig = 'freeface-stores';
export const settingsConfig = 'freeface-settings';
export const certificatesConfig = 'freeface-ca';
/** Secret of the credentials of a store. */
export const secretOf = (store: string): string => `freeface-${store}`;
/** Secret that the first key is put into. */
export const adminKeySecret = 'freeface-admin-key';
export const deadLetterSink = 'freeface-dead-letters';

/** What a service says about events, for those who look for producers and consumers. */
export const emitsAnnotation = 'freeface/emits';
export const consumesAnnotation = 'freeface/consumes';
