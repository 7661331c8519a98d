import * as z from 'zod';
import * as f from './forms.ts';
import { jobPod, labelSelector } from './pod.ts';

/** Kinds of Kubernetes itself that our manifests use, and kinds of Strimzi and cert-manager. */

const object = z.strictObject;
const of = <Version extends string, Kind extends string>(apiVersion: Version, kind: Kind) => ({
  apiVersion: z.literal(apiVersion),
  kind: z.literal(kind),
  metadata: f.metadata,
});
const configKey = z.string().regex(/^[-._a-zA-Z0-9]{1,253}$/, 'must be letters, digits, - _ .');

export const namespace = object({ ...of('v1', 'Namespace'), spec: object({}).optional() });

export const serviceAccount = object({
  ...of('v1', 'ServiceAccount'),
  automountServiceAccountToken: z.boolean().optional(),
  imagePullSecrets: z.array(object({ name: f.dnsName })).optional(),
  secrets: z.array(object({ name: f.dnsName })).optional(),
});

export const configMap = object({
  ...of('v1', 'ConfigMap'),
  data: z.record(configKey, z.string({ error: 'must be a string; put quotes around it' })).optional(),
  binaryData: z.record(configKey, z.base64()).optional(),
  immutable: z.boolean().optional(),
});

export const secret = object({
  ...of('v1', 'Secret'),
  type: f.nonEmpty.optional(),
  data: z.record(configKey, z.base64()).optional(),
  stringData: z.record(configKey, z.string()).optional(),
  immutable: z.boolean().optional(),
});

const rule = object({
  apiGroups: z.array(z.string()).min(1),
  resources: z.array(f.nonEmpty).min(1),
  resourceNames: z.array(f.dnsName).min(1).optional(),
  verbs: z
    .array(z.enum(['get', 'list', 'watch', 'create', 'update', 'patch', 'delete', 'deletecollection', '*']))
    .min(1),
}).superRefine(({ resourceNames, verbs }, context) => {
  // Requests to create objects and to delete a collection name no object.
  if (resourceNames !== undefined && verbs.some((verb) => ['create', 'deletecollection', '*'].includes(verb)))
    f.refuse(context, ['resourceNames'], 'have no effect on create and deletecollection');
});
export const role = object({ ...of('rbac.authorization.k8s.io/v1', 'Role'), rules: z.array(rule).min(1) });
export const roleBinding = object({
  ...of('rbac.authorization.k8s.io/v1', 'RoleBinding'),
  roleRef: object({
    apiGroup: z.literal('rbac.authorization.k8s.io'),
    kind: z.enum(['Role', 'ClusterRole']),
    name: f.nonEmpty,
  }),
  subjects: z
    .array(object({ kind: z.literal('ServiceAccount'), name: f.dnsName, namespace: f.dnsLabel.optional() }))
    .min(1),
});

export const job = object({
  ...of('batch/v1', 'Job'),
  spec: object({
    activeDeadlineSeconds: f.integer(1).optional(),
    backoffLimit: f.integer(0).optional(),
    completions: f.integer(1).optional(),
    parallelism: f.integer(0).optional(),
    suspend: z.boolean().optional(),
    template: object({
      metadata: object({ labels: f.labels.optional(), annotations: f.annotations.optional() }).optional(),
      spec: jobPod,
    }),
    ttlSecondsAfterFinished: f.integer(0).optional(),
  }),
});

const policyPort = object({
  protocol: z.enum(['TCP', 'UDP', 'SCTP']).optional(),
  port: f.portOrName.optional(),
  endPort: f.port.optional(),
});
const cidr = z.union([z.cidrv4(), z.cidrv6()], { error: 'must be a range such as 10.0.0.0/8' });
const peer = object({
  podSelector: labelSelector.optional(),
  namespaceSelector: labelSelector.optional(),
  ipBlock: object({ cidr, except: z.array(cidr).optional() }).optional(),
}).superRefine((value, context) => {
  const found = f.given(value, ['podSelector', 'namespaceSelector', 'ipBlock']);
  if (found.length === 0) f.refuse(context, [], 'selects nothing: give a podSelector, namespaceSelector or ipBlock');
  if (value.ipBlock !== undefined && found.length > 1)
    f.refuse(context, ['ipBlock'], 'must not be given together with a selector');
});

export const networkPolicy = object({
  ...of('networking.k8s.io/v1', 'NetworkPolicy'),
  spec: object({
    podSelector: labelSelector,
    policyTypes: z.array(z.enum(['Ingress', 'Egress'])).min(1),
    ingress: z.array(object({ from: z.array(peer).optional(), ports: z.array(policyPort).optional() })).optional(),
    egress: z.array(object({ to: z.array(peer).optional(), ports: z.array(policyPort).optional() })).optional(),
  }).superRefine(({ policyTypes, ingress, egress }, context) => {
    if (ingress !== undefined && !policyTypes.includes('Ingress'))
      f.refuse(context, ['ingress'], 'has no effect without the policy type Ingress');
    if (egress !== undefined && !policyTypes.includes('Egress'))
      f.refuse(context, ['egress'], 'has no effect without the policy type Egress');
  }),
});

export const service = object({
  ...of('v1', 'Service'),
  spec: object({
    type: z.enum(['ClusterIP', 'ExternalName', 'NodePort', 'LoadBalancer']).optional(),
    clusterIP: z.string().optional(),
    externalName: f.dnsName.optional(),
    selector: f.labels.optional(),
    ports: z
      .array(
        object({
          name: f.dnsLabel.optional(),
          port: f.port,
          targetPort: f.portOrName.optional(),
          nodePort: f.port.optional(),
          protocol: z.enum(['TCP', 'UDP', 'SCTP']).optional(),
          appProtocol: z.string().optional(),
        }),
      )
      .optional(),
  }),
});

export const endpointSlice = object({
  ...of('discovery.k8s.io/v1', 'EndpointSlice'),
  addressType: z.enum(['IPv4', 'IPv6', 'FQDN']),
  ports: z.array(
    object({
      name: z.string().optional(),
      port: f.port,
      protocol: z.enum(['TCP', 'UDP', 'SCTP']).optional(),
      appProtocol: z.string().optional(),
    }),
  ),
  endpoints: z.array(
    object({
      addresses: z.array(z.string()).min(1),
      conditions: object({
        ready: z.boolean().optional(),
        serving: z.boolean().optional(),
        terminating: z.boolean().optional(),
      }).optional(),
      hostname: f.dnsLabel.optional(),
      nodeName: f.dnsName.optional(),
      zone: z.string().optional(),
    }),
  ),
});

export const runtimeClass = object({ ...of('node.k8s.io/v1', 'RuntimeClass'), handler: f.dnsLabel });

const durationOf = (text: string) => f.goSeconds(text) > 0;
const goDuration = z.string().refine(durationOf, 'must be a duration such as 2160h');
const issuerRef = object({
  name: f.dnsName,
  kind: z.enum(['Issuer', 'ClusterIssuer']).optional(),
  group: z.string().optional(),
});
export const certificate = object({
  ...of('cert-manager.io/v1', 'Certificate'),
  spec: object({
    secretName: f.dnsName,
    dnsNames: z.array(z.string().regex(/^(\*\.)?[a-z0-9.-]+$/, 'must be a host name')).min(1),
    issuerRef,
    commonName: z.string().optional(),
    duration: goDuration.optional(),
    renewBefore: goDuration.optional(),
    usages: z.array(z.string()).optional(),
    privateKey: object({
      algorithm: z.enum(['RSA', 'ECDSA', 'Ed25519']).optional(),
      size: f.integer(256).optional(),
      rotationPolicy: z.enum(['Never', 'Always']).optional(),
    }).optional(),
  }),
});

/**
 * A topic that Strimzi's operator creates. Strimzi knows `v1` from version 0.49 on, and only `v1` from version 1.0 on. The fields
 * of both versions are the same.
 */
export const kafkaTopic = object({
  ...of('kafka.strimzi.io/v1', 'KafkaTopic'),
  apiVersion: z.enum(['kafka.strimzi.io/v1', 'kafka.strimzi.io/v1beta2']),
  spec: object({
    topicName: z
      .string()
      .max(249)
      .regex(/^[A-Za-z0-9._-]+$/, 'must be the name of a Kafka topic')
      .optional(),
    partitions: f.integer(1).optional(),
    replicas: f.integer(1, 32767).optional(),
    config: z
      .strictObject({
        'cleanup.policy': z.enum(['delete', 'compact', 'compact,delete']).optional(),
        'compression.type': z.enum(['producer', 'gzip', 'snappy', 'lz4', 'zstd', 'uncompressed']).optional(),
        'max.message.bytes': f.integer(0).optional(),
        'min.insync.replicas': f.integer(1).optional(),
        'retention.bytes': f.integer(-1).optional(),
        'retention.ms': f.integer(-1).optional(),
        'segment.bytes': f.integer(14).optional(),
        'segment.ms': f.integer(1).optional(),
      })
      .optional(),
  }).superRefine(({ replicas, config }, context) => {
    const least = config?.['min.insync.replicas'];
    if (least !== undefined && replicas !== undefined && least > replicas)
      f.refuse(context, ['config', 'min.insync.replicas'], `is more than the ${replicas} replicas`);
  }),
}).superRefine(({ metadata }, context) => {
  if (metadata.labels?.['strimzi.io/cluster'] === undefined)
    f.refuse(context, ['metadata', 'labels', 'strimzi.io/cluster'], 'is missing: no operator would create the topic');
});
