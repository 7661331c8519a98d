import * as z from 'zod';
import * as f from './forms.ts';

/**
 * Fields that Knative Serving allows in a revision's pod. The CRD's schema does not check some fields
 * (`x-preserve-unknown-fields`: tolerations, affinity, securityContext, initContainers, ...). In these a mistyped field passes
 * the API server and has no effect. So this file lists their parts, as Kubernetes reads them.
 */

const object = z.strictObject;
const optionalRef = { name: f.dnsName.optional(), optional: z.boolean().optional() };
const keyRef = object({ key: f.nonEmpty, ...optionalRef, name: f.dnsName });
const fieldRef = object({ apiVersion: z.string().optional(), fieldPath: f.nonEmpty });
const resourceFieldRef = object({
  containerName: z.string().optional(),
  divisor: f.quantity.optional(),
  resource: f.nonEmpty,
});

/** Variables that Knative sets. */
const reservedVariables = ['PORT', 'K_SERVICE', 'K_CONFIGURATION', 'K_REVISION'];

const variable = object({
  name: z
    .string()
    .regex(/^[-._a-zA-Z][-._a-zA-Z0-9]*$/, 'must be the name of an environment variable')
    .refine((name) => !reservedVariables.includes(name), 'is set by Knative'),
  value: z.string({ error: 'must be a string; put quotes around it' }).optional(),
  valueFrom: object({
    configMapKeyRef: keyRef.optional(),
    secretKeyRef: keyRef.optional(),
    fieldRef: fieldRef.optional(),
    resourceFieldRef: resourceFieldRef.optional(),
  })
    .superRefine((value, context) =>
      f.exactlyOne(value, context, ['configMapKeyRef', 'secretKeyRef', 'fieldRef', 'resourceFieldRef']),
    )
    .optional(),
}).superRefine((value, context) => {
  if (value.value !== undefined && value.valueFrom !== undefined)
    f.refuse(context, ['valueFrom'], 'must not be given together with value');
});

const probe = object({
  exec: object({ command: z.array(z.string()).min(1) }).optional(),
  grpc: object({ port: f.port, service: z.string().optional() }).optional(),
  httpGet: object({
    host: z.string().optional(),
    httpHeaders: z.array(object({ name: f.nonEmpty, value: z.string() })).optional(),
    path: f.absolutePath.optional(),
    port: f.portOrName.optional(),
    scheme: z.enum(['HTTP', 'HTTPS']).optional(),
  }).optional(),
  tcpSocket: object({ host: z.string().optional(), port: f.portOrName.optional() }).optional(),
  failureThreshold: f.integer(0).optional(),
  initialDelaySeconds: f.integer(0).optional(),
  periodSeconds: f.integer(0).optional(),
  successThreshold: f.integer(0).optional(),
  timeoutSeconds: f.integer(0).optional(),
}).superRefine((value, context) => {
  const handlers = f.given(value, ['exec', 'grpc', 'httpGet', 'tcpSocket']);
  if (handlers.length > 1) f.refuse(context, [handlers[1]!], `must not be given together with ${handlers[0]}`);
});

const resourceName = z
  .string()
  .regex(
    /^(cpu|memory|ephemeral-storage|hugepages-\d+[KMG]i|([a-z0-9-]+\.)+[a-z0-9-]+\/[A-Za-z0-9._-]+)$/,
    'is not a resource: must be cpu, memory, ephemeral-storage or a name with a domain, such as nvidia.com/gpu',
  );
/** Resources of NVIDIA. A pod that requests a resource that no node offers stays Pending forever. */
const cards = /^nvidia\.com\/(gpu(\.shared)?|mig-\d+g\.\d+gb.*)$/;
const offered = resourceName.refine(
  (name) => !name.startsWith('nvidia.com/') || cards.test(name),
  'is not a resource of nvidia.com: must be gpu, gpu.shared or mig-…',
);
const quantities = z.record(offered, f.quantity);
const resources = object({
  requests: quantities.optional(),
  limits: quantities.optional(),
  claims: z.array(object({ name: f.nonEmpty })).optional(),
}).superRefine(({ requests = {}, limits = {} }, context) => {
  for (const [name, value] of Object.entries(requests)) {
    const limit = limits[name];
    if (limit !== undefined && f.amount(value) > f.amount(limit))
      f.refuse(context, ['requests', name], `${value} is more than the limit ${limit}`);
  }
  for (const [kind, list] of [
    ['requests', requests],
    ['limits', limits],
  ] as const) {
    for (const [name, value] of Object.entries(list)) {
      if (!name.includes('/')) continue;
      if (!Number.isInteger(f.amount(value))) f.refuse(context, [kind, name], 'must be a whole number');
      if (f.amount(limits[name] ?? Number.NaN) !== f.amount(value))
        f.refuse(context, [kind, name], 'must have an equal limit');
    }
  }
});

const seccompProfile = object({
  type: z.enum(['RuntimeDefault', 'Localhost', 'Unconfined']),
  localhostProfile: z.string().optional(),
});
const capability = z.string().regex(/^[A-Z_]+$/, 'must be a capability such as ALL or NET_BIND_SERVICE');
const users = {
  runAsUser: f.integer(0).optional(),
  runAsGroup: f.integer(0).optional(),
  runAsNonRoot: z.boolean().optional(),
  seccompProfile: seccompProfile.optional(),
};
const containerSecurity = object({
  ...users,
  allowPrivilegeEscalation: z.boolean().optional(),
  capabilities: object({ add: z.array(capability).optional(), drop: z.array(capability).optional() }).optional(),
  readOnlyRootFilesystem: z.boolean().optional(),
});
const podSecurity = object({
  ...users,
  fsGroup: f.integer(0).optional(),
  supplementalGroups: z.array(f.integer(0)).optional(),
});

/** Ports that queue-proxy uses. */
const reservedPorts = [8008, 8012, 8013, 8022, 9090, 9091];
/** Directories on which Knative allows no volume. */
const reservedPaths = ['/', '/dev', '/dev/log', '/tmp', '/var', '/var/log'];

const image = z
  .string()
  .regex(
    /^(([a-zA-Z0-9.-]+)(:\d+)?\/)?[a-z0-9]+([._-]+[a-z0-9]+)*(\/[a-z0-9]+([._-]+[a-z0-9]+)*)*(:[\w][\w.-]{0,127})?(@sha256:[0-9a-f]{64})?$/,
    'must be an image such as registry.example/name:tag or …@sha256:…',
  );

const container = object({
  name: f.dnsLabel.optional(),
  image,
  imagePullPolicy: z.enum(['Always', 'IfNotPresent', 'Never']).optional(),
  command: z.array(z.string()).optional(),
  args: z.array(z.string()).optional(),
  workingDir: f.absolutePath.optional(),
  env: z.array(variable).optional(),
  envFrom: z
    .array(
      object({
        prefix: z.string().optional(),
        configMapRef: object(optionalRef).extend({ name: f.dnsName }).optional(),
        secretRef: object(optionalRef).extend({ name: f.dnsName }).optional(),
      }).superRefine((value, context) => f.exactlyOne(value, context, ['configMapRef', 'secretRef'])),
    )
    .optional(),
  ports: z
    .array(
      object({
        containerPort: f.port.refine((value) => !reservedPorts.includes(value), 'is a port of queue-proxy'),
        name: z.enum(['', 'http1', 'h2c', 'user-port']).optional(),
        protocol: z.literal('TCP').optional(),
      }),
    )
    .max(1, 'only one port is allowed')
    .optional(),
  livenessProbe: probe.optional(),
  readinessProbe: probe.optional(),
  startupProbe: probe.optional(),
  resources: resources.optional(),
  securityContext: containerSecurity.optional(),
  terminationMessagePath: z.string().optional(),
  terminationMessagePolicy: z.enum(['File', 'FallbackToLogsOnError']).optional(),
  volumeMounts: z
    .array(
      object({
        name: f.dnsLabel,
        mountPath: f.absolutePath.refine(
          (path) => !reservedPaths.includes(path.replace(/(.)\/+$/, '$1')),
          'is a directory that Knative reserves',
        ),
        readOnly: z.boolean().optional(),
        subPath: z.string().optional(),
      }),
    )
    .optional(),
}).superRefine(({ env = [] }, context) => {
  env.forEach(({ name }, i) => {
    if (env.findIndex((other) => other.name === name) !== i)
      f.refuse(context, ['env', i, 'name'], `${name} is given twice`);
  });
});

const keyToPath = z.array(object({ key: f.nonEmpty, mode: f.integer(0, 0o777).optional(), path: f.nonEmpty }));
const volume = object({
  name: f.dnsLabel,
  configMap: object({
    ...optionalRef,
    name: f.dnsName,
    defaultMode: f.integer(0, 0o777).optional(),
    items: keyToPath.optional(),
  }).optional(),
  secret: object({
    secretName: f.dnsName,
    optional: z.boolean().optional(),
    defaultMode: f.integer(0, 0o777).optional(),
    items: keyToPath.optional(),
  }).optional(),
  emptyDir: object({ medium: z.enum(['', 'Memory']).optional(), sizeLimit: f.quantity.optional() }).optional(),
  persistentVolumeClaim: object({ claimName: f.dnsName, readOnly: z.boolean().optional() }).optional(),
  projected: object({
    defaultMode: f.integer(0, 0o777).optional(),
    sources: z.array(
      object({
        configMap: object({ ...optionalRef, items: keyToPath.optional() }).optional(),
        secret: object({ ...optionalRef, items: keyToPath.optional() }).optional(),
        downwardAPI: object({
          items: z
            .array(
              object({
                path: f.nonEmpty,
                mode: f.integer(0, 0o777).optional(),
                fieldRef: fieldRef.optional(),
                resourceFieldRef: resourceFieldRef.optional(),
              }),
            )
            .optional(),
        }).optional(),
        serviceAccountToken: object({
          audience: z.string().optional(),
          expirationSeconds: f.integer(600).optional(),
          path: f.nonEmpty,
        }).optional(),
      }),
    ),
  }).optional(),
}).superRefine((value, context) =>
  f.exactlyOne(value, context, ['configMap', 'secret', 'emptyDir', 'persistentVolumeClaim', 'projected']),
);

export const toleration = object({
  key: f.qualifiedName.optional(),
  operator: z.enum(['Exists', 'Equal']).optional(),
  value: f.labelValue.optional(),
  effect: z.enum(['NoSchedule', 'PreferNoSchedule', 'NoExecute']).optional(),
  tolerationSeconds: f.integer(0).optional(),
}).superRefine(({ key, operator = 'Equal', value, effect, tolerationSeconds }, context) => {
  if (key === undefined && operator !== 'Exists') f.refuse(context, ['operator'], 'must be Exists if there is no key');
  if (operator === 'Exists' && value !== undefined && value !== '')
    f.refuse(context, ['value'], 'has no effect with the operator Exists');
  if (tolerationSeconds !== undefined && effect !== 'NoExecute')
    f.refuse(context, ['tolerationSeconds'], 'needs the effect NoExecute');
});

const requirement = object({
  key: f.qualifiedName,
  operator: z.enum(['In', 'NotIn', 'Exists', 'DoesNotExist', 'Gt', 'Lt']),
  values: z.array(z.string()).optional(),
});
export const labelSelector = object({
  matchLabels: f.labels.optional(),
  matchExpressions: z
    .array(
      object({ ...requirement.shape, operator: z.enum(['In', 'NotIn', 'Exists', 'DoesNotExist']) }).superRefine(
        valuesFit,
      ),
    )
    .optional(),
});
const nodeTerm = object({
  matchExpressions: z.array(requirement.superRefine(valuesFit)).optional(),
  matchFields: z.array(requirement.superRefine(valuesFit)).optional(),
});
const podTerm = object({
  labelSelector: labelSelector.optional(),
  namespaceSelector: labelSelector.optional(),
  namespaces: z.array(f.dnsLabel).optional(),
  matchLabelKeys: z.array(z.string()).optional(),
  mismatchLabelKeys: z.array(z.string()).optional(),
  topologyKey: f.qualifiedName,
});
const podAffinity = object({
  requiredDuringSchedulingIgnoredDuringExecution: z.array(podTerm).optional(),
  preferredDuringSchedulingIgnoredDuringExecution: z
    .array(object({ weight: f.integer(1, 100), podAffinityTerm: podTerm }))
    .optional(),
});
const affinity = object({
  nodeAffinity: object({
    requiredDuringSchedulingIgnoredDuringExecution: object({ nodeSelectorTerms: z.array(nodeTerm).min(1) }).optional(),
    preferredDuringSchedulingIgnoredDuringExecution: z
      .array(object({ weight: f.integer(1, 100), preference: nodeTerm }))
      .optional(),
  }).optional(),
  podAffinity: podAffinity.optional(),
  podAntiAffinity: podAffinity.optional(),
});

const spread = object({
  maxSkew: f.integer(1),
  topologyKey: f.qualifiedName,
  whenUnsatisfiable: z.enum(['DoNotSchedule', 'ScheduleAnyway']),
  labelSelector: labelSelector.optional(),
  minDomains: f.integer(1).optional(),
  matchLabelKeys: z.array(z.string()).optional(),
  nodeAffinityPolicy: z.enum(['Honor', 'Ignore']).optional(),
  nodeTaintsPolicy: z.enum(['Honor', 'Ignore']).optional(),
});

/** `spec.template.spec` of a Knative Service, and a Revision's `spec`. */
export const revisionSpec = object({
  containers: z.array(container).min(1),
  initContainers: z.array(container).optional(),
  containerConcurrency: f.integer(0, 1000).optional(),
  timeoutSeconds: f.integer(1, 600).optional(),
  responseStartTimeoutSeconds: f.integer(0, 600).optional(),
  idleTimeoutSeconds: f.integer(0, 600).optional(),
  serviceAccountName: f.dnsName.optional(),
  automountServiceAccountToken: z.boolean().optional(),
  enableServiceLinks: z.boolean().optional(),
  imagePullSecrets: z.array(object({ name: f.dnsName })).optional(),
  volumes: z.array(volume).optional(),
  nodeSelector: f.labels.optional(),
  tolerations: z.array(toleration).optional(),
  affinity: affinity.optional(),
  topologySpreadConstraints: z.array(spread).optional(),
  runtimeClassName: f.dnsName.optional(),
  priorityClassName: f.dnsName.optional(),
  schedulerName: f.nonEmpty.optional(),
  securityContext: podSecurity.optional(),
  shareProcessNamespace: z.boolean().optional(),
  dnsPolicy: z.enum(['ClusterFirst', 'ClusterFirstWithHostNet', 'Default', 'None']).optional(),
  dnsConfig: object({
    nameservers: z.array(z.string()).optional(),
    searches: z.array(z.string()).optional(),
    options: z.array(object({ name: f.nonEmpty, value: z.string().optional() })).optional(),
  }).optional(),
  hostAliases: z.array(object({ ip: z.string(), hostnames: z.array(f.dnsName).min(1) })).optional(),
}).superRefine((spec, context) => {
  const { timeoutSeconds = 300, responseStartTimeoutSeconds = 0, idleTimeoutSeconds = 0 } = spec;
  if (responseStartTimeoutSeconds > timeoutSeconds)
    f.refuse(context, ['responseStartTimeoutSeconds'], `is more than timeoutSeconds ${timeoutSeconds}`);
  if (idleTimeoutSeconds > timeoutSeconds)
    f.refuse(context, ['idleTimeoutSeconds'], `is more than timeoutSeconds ${timeoutSeconds}`);
  volumesFit(spec, context);
  const withPorts = spec.containers.filter(({ ports = [] }) => ports.length > 0);
  if (spec.containers.length > 1 && withPorts.length !== 1)
    f.refuse(context, ['containers'], 'exactly one of several containers must have a port');
});

/** `spec.template.spec` of a Job. */
export const jobPod = object({
  containers: z.array(container).min(1),
  restartPolicy: z.enum(['Never', 'OnFailure']),
  serviceAccountName: f.dnsName.optional(),
  automountServiceAccountToken: z.boolean().optional(),
  enableServiceLinks: z.boolean().optional(),
  terminationGracePeriodSeconds: f.integer(0).optional(),
  imagePullSecrets: z.array(object({ name: f.dnsName })).optional(),
  volumes: z.array(volume).optional(),
  nodeSelector: f.labels.optional(),
  tolerations: z.array(toleration).optional(),
  securityContext: podSecurity.optional(),
}).superRefine((spec, context) => {
  volumesFit(spec, context);
  spec.containers.forEach(({ name }, i) => {
    if (name === undefined) f.refuse(context, ['containers', i, 'name'], 'is missing: only Knative sets a default');
  });
});

interface WithVolumes {
  readonly containers: readonly { readonly volumeMounts?: readonly { readonly name: string }[] | undefined }[];
  readonly volumes?: readonly { readonly name: string }[] | undefined;
}

/** Checks that each volume is given once and is mounted, and that each mount has a volume. */
function volumesFit(spec: WithVolumes, context: z.RefinementCtx): void {
  const { volumes = [] } = spec;
  spec.containers.forEach(({ volumeMounts = [] }, i) => {
    volumeMounts.forEach(({ name }, j) => {
      if (!volumes.some((each) => each.name === name))
        f.refuse(context, ['containers', i, 'volumeMounts', j, 'name'], `there is no volume ${name}`);
    });
  });
  volumes.forEach(({ name }, i) => {
    if (volumes.findIndex((each) => each.name === name) !== i)
      f.refuse(context, ['volumes', i, 'name'], 'is given twice');
    if (!spec.containers.some(({ volumeMounts = [] }) => volumeMounts.some((mount) => mount.name === name)))
      f.refuse(context, ['volumes', i, 'name'], 'is not mounted');
  });
}

function valuesFit(
  { operator, values = [] }: { operator: string; values?: string[] | undefined },
  context: z.RefinementCtx,
): void {
  const takesNone = operator === 'Exists' || operator === 'DoesNotExist';
  if (takesNone && values.length > 0) f.refuse(context, ['values'], `has no effect with the operator ${operator}`);
  if (!takesNone && values.length === 0) f.refuse(context, ['values'], `is missing for the operator ${operator}`);
}
