import type { KubernetesObject, Problem } from './check.ts';
import { checkConsumedEvents } from './ours/consumed-events.ts';
import { isFunction } from './ours/fields.ts';
import { checkFunction } from './ours/function.ts';
import { checkHttpRoute } from './ours/http-route.ts';
import { checkJob } from './ours/job.ts';
import { checkKafkaSource } from './ours/kafka-source.ts';
import { checkNetworkPolicy } from './ours/network-policy.ts';
import { checkOwnNames } from './ours/own-names.ts';
import { checkRequiredFields } from './ours/required-fields.ts';
import { checkRoleBinding } from './ours/role-binding.ts';
import { checkSink } from './ours/sink.ts';
import { storesInReach } from './reach.ts';

/**
 * What FreeFace's own manifests keep, taken together, beyond what any manifest must: nothing points at what is not there,
 * nothing that matters is left to a default, and every event that is waited for is sent by somebody.
 */
export function checkOurs(objects: readonly KubernetesObject[]): Problem[] {
  return objects.flatMap((object) => [
    ...checkRequiredFields(object),
    ...(object.kind === 'KafkaSource'
      ? [...checkKafkaSource(object, objects), ...checkConsumedEvents(object, objects)]
      : []),
    ...(object.kind === 'PingSource' ? checkSink(object, objects) : []),
    ...(object.kind === 'HTTPRoute' ? checkHttpRoute(object, objects) : []),
    ...(isFunction(object) ? [...checkFunction(object, objects), ...checkConsumedEvents(object, objects)] : []),
    ...(object.kind === 'Job' ? checkJob(object, objects) : []),
    ...(object.kind === 'RoleBinding' ? checkRoleBinding(object, objects) : []),
    ...(object.kind === 'NetworkPolicy' ? checkNetworkPolicy(object, objects) : []),
    ...(object.kind === 'ConfigMap' ? storesInReach(object, objects) : []),
    ...checkOwnNames(object),
  ]);
}
