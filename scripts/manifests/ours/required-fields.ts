import type { KubernetesObject, Problem } from '../check.ts';
import { at, autoscaling, container, pod, problem, security } from './fields.ts';

/** Checks that an object has the fields that its kind needs here. */
export function checkRequiredFields(object: KubernetesObject): Problem[] {
  return (needed[`${object.apiVersion} ${object.kind}`] ?? [])
    .filter((path) => at(object, path) === undefined)
    .map((path) => problem(object, path.join('.'), 'is missing: FreeFace needs a value other than the default'));
}

/** Label of the objects that jobs need before the functions exist. kubectl applies these objects by this label. */
const foundationLabel = ['metadata', 'labels', 'app.kubernetes.io/component'];

/** Fields whose default is wrong for FreeFace, and fields that have no default. */
const needed: Readonly<Record<string, readonly (readonly (string | number)[])[]>> = {
  'serving.knative.dev/v1 Service': [
    ['metadata', 'namespace'],
    ['metadata', 'labels', 'networking.knative.dev/visibility'],
    ...['min-scale', 'max-scale', 'initial-scale', 'target', 'target-utilization-percentage', 'window'].map(
      autoscaling,
    ),
    autoscaling('scale-to-zero-pod-retention-period'),
    ...['serviceAccountName', 'automountServiceAccountToken', 'enableServiceLinks'].map((name) => [...pod, name]),
    ...['containerConcurrency', 'timeoutSeconds'].map((name) => [...pod, name]),
    [...container, 'image'],
    [...container, 'ports', 0, 'containerPort'],
    [...container, 'readinessProbe', 'httpGet', 'path'],
    [...container, 'livenessProbe', 'httpGet', 'path'],
    [...container, 'resources', 'requests', 'cpu'],
    [...container, 'resources', 'requests', 'memory'],
    [...container, 'resources', 'limits', 'memory'],
    ...['allowPrivilegeEscalation', 'readOnlyRootFilesystem', 'runAsNonRoot'].map((name) => [...security, name]),
    [...security, 'capabilities', 'drop', 0],
    [...security, 'seccompProfile', 'type'],
    [...container, 'ports', 0, 'name'],
    ...['periodSeconds', 'timeoutSeconds', 'failureThreshold'].map((name) => [...container, 'livenessProbe', name]),
    [...container, 'env', 0],
  ],
  'sources.knative.dev/v1beta1 KafkaSource': [
    ['metadata', 'namespace'],
    ...['consumerGroup', 'initialOffset', 'consumers', 'ordering'].map((name) => ['spec', name]),
    ...['retry', 'backoffPolicy', 'backoffDelay', 'timeout'].map((name) => ['spec', 'delivery', name]),
    ['spec', 'delivery', 'deadLetterSink', 'ref', 'name'],
    ['metadata', 'labels', 'kafkasources.sources.knative.dev/key-type'],
    ['metadata', 'annotations', 'freeface/consumes'],
  ],
  'sources.knative.dev/v1 PingSource': [
    ['metadata', 'namespace'],
    ['spec', 'schedule'],
  ],
  'gateway.networking.k8s.io/v1 HTTPRoute': [
    ['metadata', 'namespace'],
    ['spec', 'parentRefs', 0, 'name'],
    ['spec', 'rules', 0, 'backendRefs', 0, 'name'],
  ],
  'gateway.networking.k8s.io/v1beta1 ReferenceGrant': [['metadata', 'namespace']],
  'v1 ServiceAccount': [['metadata', 'namespace'], ['automountServiceAccountToken']],
  'v1 Namespace': [['metadata', 'labels', 'pod-security.kubernetes.io/enforce'], foundationLabel],
  'v1 ConfigMap': [foundationLabel],
  'v1 Secret': [['metadata', 'namespace'], ['type']],
  'rbac.authorization.k8s.io/v1 Role': [
    ['metadata', 'namespace'],
    ['rules', 0, 'resourceNames', 0],
  ],
  'rbac.authorization.k8s.io/v1 RoleBinding': [
    ['metadata', 'namespace'],
    ['subjects', 0, 'namespace'],
  ],
  'batch/v1 Job': [
    ['metadata', 'namespace'],
    ...['backoffLimit', 'ttlSecondsAfterFinished'].map((name) => ['spec', name]),
    ...['serviceAccountName', 'automountServiceAccountToken', 'enableServiceLinks'].map((name) => [...pod, name]),
    [...container, 'args', 0],
    [...container, 'env', 0],
    [...container, 'resources', 'requests', 'cpu'],
    [...container, 'resources', 'requests', 'memory'],
    [...container, 'resources', 'limits', 'memory'],
  ],
  'networking.k8s.io/v1 NetworkPolicy': [['metadata', 'namespace'], foundationLabel],
  'eventing.knative.dev/v1alpha1 KafkaSink': [
    ['metadata', 'namespace'],
    ['spec', 'contentMode'],
  ],
  'kafka.strimzi.io/v1 KafkaTopic': [
    ['metadata', 'namespace'],
    ...['topicName', 'partitions'].map((name) => ['spec', name]),
    ['spec', 'config', 'retention.ms'],
  ],
};
