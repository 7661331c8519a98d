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
 * Checks rules that apply only to FreeFace's own manifests, taken together: every reference has a target, important fields do not
 * rely on a default, and a function emits every event that another function consumes.
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
