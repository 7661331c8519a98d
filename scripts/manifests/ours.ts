import { isDeepStrictEqual } from 'node:util';
import { type ExecutionProvider, mostThreads } from '../../shared/vision/execution-provider.ts';
import { extractionLimits } from '../../shared/vision/extraction-limits.ts';
import type { KubernetesObject, Problem } from './check.ts';
import { amount, threadsOf } from './forms.ts';
import { extractor } from './names.ts';
import { storesInReach } from './reach.ts';
import { findObject, nameOf } from './together.ts';

/**
 * What FreeFace's own manifests keep, taken together, beyond what any manifest must: nothing points at what is not there,
 * nothing that matters is left to a default, and every event that is waited for is sent by somebody.
 */
export function checkOurs(objects: readonly KubernetesObject[]): Problem[] {
  return objects.flatMap((object) => [
    ...missingFields(object),
    ...(object.kind === 'KafkaSource' ? [...kafkaSource(object, objects), ...consumed(object, objects)] : []),
    ...(object.kind === 'PingSource' ? sinks(object, objects) : []),
    ...(object.kind === 'HTTPRoute' ? [...routes(object, objects), ...matchesTwice(object, objects)] : []),
    ...(isFunction(object) ? [...functionService(object, objects), ...consumed(object, objects)] : []),
    ...(object.kind === 'Job' ? jobRules(object, objects) : []),
    ...(object.kind === 'RoleBinding' ? bindingRules(object, objects) : []),
    ...(object.kind === 'NetworkPolicy' ? [...policySelects(object, objects), ...policyRules(object)] : []),
    ...(object.kind === 'ConfigMap' ? storesInReach(object, objects) : []),
    ...ownNames(object),
  ]);
}

const autoscaling = (name: string) => [
  'spec',
  'template',
  'metadata',
  'annotations',
  `autoscaling.knative.dev/${name}`,
];
const pod = ['spec', 'template', 'spec'];
const container = [...pod, 'containers', 0];
const security = [...container, 'securityContext'];

/** What jobs need before there are functions is applied by this label. */
const ofFoundation = ['metadata', 'labels', 'app.kubernetes.io/component'];

/** Fields that have a default which is wrong for us, or none that anybody reads. */
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
  'v1 Namespace': [['metadata', 'labels', 'pod-security.kubernetes.io/enforce'], ofFoundation],
  'v1 ConfigMap': [ofFoundation],
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
  'networking.k8s.io/v1 NetworkPolicy': [['metadata', 'namespace'], ofFoundation],
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

function missingFields(object: KubernetesObject): Problem[] {
  return (needed[`${object.apiVersion} ${object.kind}`] ?? [])
    .filter((path) => at(object, path) === undefined)
    .map((path) => problem(object, path.join('.'), 'is missing, and the default is not what we want'));
}

interface Fixed {
  readonly path: readonly (string | number)[];
  readonly value: unknown;
}

/** Values of a pod that a default or a slip of the pen must not change. */
const fixedOfPod: readonly Fixed[] = [
  { path: [...pod, 'enableServiceLinks'], value: false },
  { path: [...security, 'allowPrivilegeEscalation'], value: false },
  { path: [...security, 'readOnlyRootFilesystem'], value: true },
  { path: [...security, 'runAsNonRoot'], value: true },
  { path: [...security, 'capabilities', 'drop', 0], value: 'ALL' },
  { path: [...security, 'seccompProfile', 'type'], value: 'RuntimeDefault' },
];

/** And of a function. */
const fixed: readonly Fixed[] = [
  ...fixedOfPod,
  { path: ['metadata', 'labels', 'networking.knative.dev/visibility'], value: 'cluster-local' },
  { path: [...pod, 'automountServiceAccountToken'], value: false },
  { path: [...container, 'readinessProbe', 'httpGet', 'path'], value: '/health/readiness' },
  { path: [...container, 'livenessProbe', 'httpGet', 'path'], value: '/health/liveness' },
];

const wrongValues = (object: KubernetesObject, values: readonly Fixed[]): Problem[] =>
  values
    .filter(({ path, value }) => at(object, path) !== value)
    .map(({ path, value }) => problem(object, path.join('.'), `must be ${String(value)}`));

/** A pod has an account of its own, which is there. */
function ownAccount(object: KubernetesObject, objects: readonly KubernetesObject[]): Problem[] {
  const { name } = object.metadata;
  const account = at(object, [...pod, 'serviceAccountName']);
  const say = (message: string) => problem(object, 'spec.template.spec.serviceAccountName', message);
  return [
    ...(account === name ? [] : [say(`must be its own, ${name}`)]),
    ...(findObject(objects, 'v1', { kind: 'ServiceAccount', name: String(account) }, object) === undefined
      ? [say(`there is no account ${account}`)]
      : []),
  ];
}

function functionService(object: KubernetesObject, objects: readonly KubernetesObject[]): Problem[] {
  const problems = [...wrongValues(object, fixed), ...ownAccount(object, objects)];
  const { name, namespace } = object.metadata;
  const target = Number(at(object, autoscaling('target')));
  const concurrency = Number(at(object, [...pod, 'containerConcurrency']));
  if (target > concurrency)
    problems.push(
      problem(object, autoscaling('target').join('.'), `${target} is more than an instance takes, ${concurrency}`),
    );
  const variables = (at(object, [...container, 'env']) ?? []) as Variable[];
  problems.push(...reach(object, variables, told), ...optionalSettings(object, variables));
  ((at(object, [...pod, 'volumes']) ?? []) as { emptyDir?: { sizeLimit?: string } }[]).forEach(({ emptyDir }, i) => {
    if (emptyDir !== undefined && emptyDir.sizeLimit === undefined)
      problems.push(
        problem(object, `spec.template.spec.volumes[${i}].emptyDir.sizeLimit`, 'is missing: it could fill the node'),
      );
  });
  problems.push(...variableValues(object, variables, objects), ...extractorRules(object, variables));
  if (
    at(object, ['spec', 'template', 'metadata', 'labels', 'app.kubernetes.io/name']) !== name ||
    namespace === undefined
  )
    problems.push(problem(object, 'spec.template.metadata.labels', `must name the function, ${name}`));
  return problems;
}

/**
 * The extractor runs as many threads as it asks processors for, and sheds by itself. Less than one processor is asked for where
 * machines are small, and says nothing of how many there are. See: [Note: The extractor sheds by itself]
 */
function extractorRules(object: KubernetesObject, variables: readonly Variable[]): Problem[] {
  if (object.metadata.name !== extractor) return [];
  const cpu = String(at(object, [...container, 'resources', 'requests', 'cpu']));
  const given = variables.find(({ name }) => name === 'FREEFACE_THREADS')?.value ?? '';
  const isRight = amount(cpu) < 1 ? /^[1-9]\d*$/.test(given) : given === String(threadsOf(cpu));
  if (!isRight)
    return [
      problem(
        object,
        `${container.join('.')}.env`,
        `FREEFACE_THREADS must be ${threadsOf(cpu)}, as many as it asks processors for`,
      ),
    ];
  const provider = variables.find(({ name }) => name === 'FREEFACE_EXECUTION_PROVIDER')?.value ?? 'cpu';
  if (Number(given) > (mostThreads[provider as ExecutionProvider] ?? 0))
    return [problem(object, `${container.join('.')}.env`, `FREEFACE_THREADS ${given} is more than ${provider} runs`)];
  const { working, waiting } = extractionLimits(Number(given));
  const concurrency = Number(at(object, [...pod, 'containerConcurrency']));
  return concurrency > working + waiting
    ? []
    : [
        problem(
          object,
          'spec.template.spec.containerConcurrency',
          `must be above the ${working + waiting} that it takes by itself: Knative would shed, and with 503`,
        ),
      ];
}

/** Each variable has a value, or says where it is. */
function variableValues(
  object: KubernetesObject,
  variables: readonly Variable[],
  objects: readonly KubernetesObject[],
): Problem[] {
  const problems: Problem[] = [];
  variables.forEach((variable, i) => {
    if (variable.value === undefined && variable.valueFrom === undefined)
      problems.push(problem(object, `${container.join('.')}.env[${i}]`, `${variable.name} has no value`));
    const ref = variable.valueFrom?.configMapKeyRef;
    if (ref === undefined) return;
    const map = findObject(objects, 'v1', { kind: 'ConfigMap', name: ref.name }, object);
    if (map !== undefined && (map as { data?: Record<string, string> }).data?.[ref.key] === undefined)
      problems.push(problem(object, `${container.join('.')}.env[${i}]`, `ConfigMap ${ref.name} has no ${ref.key}`));
  });
  return problems;
}

/** A Job is guarded as a function is; only who asks Kubernetes has a token, and may reach it. */
function jobRules(object: KubernetesObject, objects: readonly KubernetesObject[]): Problem[] {
  const variables = (at(object, [...container, 'env']) ?? []) as Variable[];
  const labels = (at(object, ['spec', 'template', 'metadata', 'labels']) ?? {}) as Record<string, string>;
  const { name } = object.metadata;
  const isBound = objects.some(
    (each) => each.kind === 'RoleBinding' && (at(each, ['subjects', 0, 'name']) as string) === name,
  );
  const asks = labels['freeface/reaches-kubernetes'] === 'true';
  return [
    ...wrongValues(object, [
      ...fixedOfPod,
      { path: [...pod, 'automountServiceAccountToken'], value: isBound },
      { path: [...container, 'args', 0], value: name },
    ]),
    ...ownAccount(object, objects),
    ...reach(object, variables, { FREEFACE_MODE: 'distributed' }),
    ...optionalSettings(object, variables),
    ...variableValues(object, variables, objects),
    ...(asks === isBound
      ? []
      : [problem(object, 'spec.template.metadata.labels.freeface/reaches-kubernetes', 'does not go with its rights')]),
    ...(labels['app.kubernetes.io/name'] === name
      ? []
      : [problem(object, 'spec.template.metadata.labels', `must name the job, ${name}`)]),
  ];
}

/** A right that nobody has, or that somebody has who is not there, is a slip. */
function bindingRules(object: KubernetesObject, objects: readonly KubernetesObject[]): Problem[] {
  const there = (group: string, kind: string, name: unknown) =>
    findObject(objects, group, { kind, name: String(name) }, object) !== undefined;
  const [role, account] = [at(object, ['roleRef', 'name']), at(object, ['subjects', 0, 'name'])];
  return [
    ...(there('rbac.authorization.k8s.io/', 'Role', role)
      ? []
      : [problem(object, 'roleRef.name', `there is no Role ${role}`)]),
    ...(there('v1', 'ServiceAccount', account)
      ? []
      : [problem(object, 'subjects[0].name', `there is no account ${account}`)]),
  ];
}

interface Variable {
  readonly name: string;
  readonly value?: string;
  readonly valueFrom?: { readonly configMapKeyRef?: { readonly name: string; readonly key: string } };
}

/** What a process in a cluster must be told. */
const told: Readonly<Record<string, string>> = {
  FREEFACE_MODE: 'distributed',
  FREEFACE_BEHIND_TLS: 'true',
  HOST: '0.0.0.0',
};
/** Settings that say where something is, by the label that lets a pod reach it. */
const addresses: Readonly<Record<string, string>> = {
  SCYLLA_CONTACT_POINTS: 'scylla',
  MILVUS_ADDRESS: 'milvus',
  S3_ENDPOINT: 's3',
  KAFKA_BROKERS: 'kafka',
  DRAGONFLY_URL: 'dragonfly',
  FREEFACE_EXTRACTOR_URL: 'extractor',
  FREEFACE_OUTBOX_URL: 'outbox',
};
/** Those of them that are functions and not stores. */
const asked = ['extractor', 'outbox'];

/** Whoever has an address may reach what is there, and nobody else; `mustBe`: variables that have one value. */
function reach(
  object: KubernetesObject,
  variables: readonly Variable[],
  mustBe: Readonly<Record<string, string>>,
): Problem[] {
  const problems = Object.entries(mustBe)
    .filter(([name, value]) => variables.find((each) => each.name === name)?.value !== value)
    .map(([name, value]) => problem(object, `${container.join('.')}.env`, `${name} must be ${value}`));
  const labels = (at(object, ['spec', 'template', 'metadata', 'labels']) ?? {}) as Record<string, string>;
  for (const [name, target] of Object.entries(addresses)) {
    const isGiven = variables.some((each) => each.name === name);
    const mayReach = labels[`freeface/reaches-${target}`] === 'true';
    if (isGiven !== mayReach)
      problems.push(
        problem(
          object,
          `spec.template.metadata.labels.freeface/reaches-${target}`,
          `does not go with ${name} in the environment`,
        ),
      );
  }
  return problems;
}

/** Who reaches a store is given its credentials, when there are any, and the certificates; and nobody else. */
function optionalSettings(object: KubernetesObject, variables: readonly Variable[]): Problem[] {
  const stores = Object.entries(addresses)
    .filter(([name, target]) => !asked.includes(target) && variables.some((each) => each.name === name))
    .map(([, target]) => target);
  const secrets = stores
    .filter((store) => store !== 's3')
    .map((store) => ({ secretRef: { name: `freeface-${store}`, optional: true } }));
  const hasStores = stores.length > 0;
  const volume = { name: 'ca', configMap: { name: 'freeface-ca', optional: true } };
  const mount = { name: 'ca', mountPath: '/etc/freeface', readOnly: true };
  const named = (path: readonly (string | number)[]) =>
    ((at(object, path) ?? []) as { name?: string }[]).filter(({ name }) => name === 'ca');
  return [
    {
      path: [...container, 'envFrom'],
      is: at(object, [...container, 'envFrom']) ?? [],
      wanted: [{ configMapRef: { name: 'freeface-settings', optional: true } }, ...secrets],
    },
    { path: [...pod, 'volumes'], is: named([...pod, 'volumes']), wanted: hasStores ? [volume] : [] },
    {
      path: [...container, 'volumeMounts'],
      is: named([...container, 'volumeMounts']),
      wanted: hasStores ? [mount] : [],
    },
  ]
    .filter(({ is, wanted }) => !isDeepStrictEqual(new Set(is as object[]), new Set<object>(wanted)))
    .map(({ path, wanted }) => problem(object, path.join('.'), `must hold ${JSON.stringify(wanted)}`));
}

/** Labels and annotations of our own domain: somebody reads each of them. */
function ownNames(object: KubernetesObject): Problem[] {
  const places = [['metadata'], ['spec', 'template', 'metadata']].flatMap((path) =>
    ['labels', 'annotations'].map((name) => [...path, name]),
  );
  const known =
    /^freeface\/(reaches-(scylla|milvus|s3|kafka|dragonfly|extractor|outbox|internet|issuer|kubernetes)|emits|consumes|metrics)$/;
  return places.flatMap((path) =>
    Object.keys((at(object, path) ?? {}) as object)
      .filter((name) => name.startsWith('freeface/') && !known.test(name))
      .map((name) => problem(object, [...path, name].join('.'), 'is read by nobody')),
  );
}

function kafkaSource(object: KubernetesObject, objects: readonly KubernetesObject[]): Problem[] {
  const problems = sinks(object, objects);
  if (at(object, ['spec', 'initialOffset']) !== 'earliest')
    problems.push(
      problem(object, 'spec.initialOffset', 'must be earliest: what was sent before the source came would be lost'),
    );
  const dead = at(object, ['spec', 'delivery', 'deadLetterSink', 'ref']) as
    | { kind?: string; name?: string }
    | undefined;
  if (dead?.kind !== 'KafkaSink')
    problems.push(problem(object, 'spec.delivery.deadLetterSink', 'must be a KafkaSink: it is durable'));
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
      problems.push(problem(object, 'spec.consumers', `${consumers} are more than the partitions of ${topic}`));
  }
  return problems;
}

interface Secured {
  readonly enable?: boolean;
  readonly [part: string]: { readonly secretKeyRef?: { readonly name: string } } | boolean | undefined;
}

/** Parts that a KafkaSource needs once it shows a user, or speaks TLS. */
const securedParts = { sasl: ['type', 'user', 'password'], tls: ['caCert'] } as const;

/** How the brokers are spoken to: whole where it is said, and the same for all sources and the sink of their dead letters. */
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
        problems.push(problem(object, `spec.net.${name}.${part}`, 'names no key of a Secret'));
    }
  }
  if (net.tls !== undefined && net.sasl === undefined)
    problems.push(problem(object, 'spec.net.sasl', 'is missing: TLS alone demands a certificate of its own'));
  const others = objects.filter(({ kind }) => kind === 'KafkaSource');
  const other = others.find((each) => !isDeepStrictEqual(at(each, ['spec', 'net']), at(object, ['spec', 'net'])));
  if (other !== undefined) problems.push(problem(object, 'spec.net', `is not that of ${nameOf(other)}`));
  const ofSink = at(sink, ['spec', 'auth', 'secret', 'ref', 'name']) as string | undefined;
  if (ofSink !== undefined && secrets.size === 0)
    problems.push(problem(object, 'spec.net', `is missing: ${nameOf(sink)} shows who it is`));
  for (const secret of secrets)
    if (secret !== undefined && secret !== ofSink)
      problems.push(
        problem(object, 'spec.net', `is of the Secret ${secret}, but that of ${nameOf(sink)} is ${ofSink}`),
      );
  return problems;
}

function sinks(object: KubernetesObject, objects: readonly KubernetesObject[]): Problem[] {
  const ref = at(object, ['spec', 'sink', 'ref']) as { kind?: string; name?: string } | undefined;
  if (ref !== undefined && findObject(objects, 'serving.knative.dev/', ref, object) !== undefined) return [];
  return [problem(object, 'spec.sink', `there is no function ${ref?.name}`)];
}

/** Events that come from outside: KafkaSource makes them of what is no CloudEvent. */
const fromOutside = new Set(['dev.knative.kafka.event']);

function consumed(object: KubernetesObject, objects: readonly KubernetesObject[]): Problem[] {
  const listOf = (each: KubernetesObject, name: string) => each.metadata.annotations?.[name]?.split(',') ?? [];
  const emitted = new Set(objects.flatMap((each) => listOf(each, 'freeface/emits')));
  // The extractor is called with an event by those who have an image; it reads no topic.
  const isCalled = (type: string) => type === 'freeface.image.extract.v1';
  return listOf(object, 'freeface/consumes')
    .filter((type) => !emitted.has(type) && !fromOutside.has(type) && !isCalled(type))
    .map((type) => problem(object, 'metadata.annotations.freeface/consumes', `nobody emits ${type}`));
}

interface Rule {
  readonly matches?: readonly {
    readonly path?: { readonly type?: string; readonly value?: string };
    readonly method?: string;
  }[];
  readonly timeouts?: { readonly request?: string };
  readonly filters?: readonly { readonly urlRewrite?: { readonly hostname?: string } }[];
  readonly backendRefs?: readonly Backend[];
}
interface Backend {
  readonly name: string;
  readonly namespace?: string;
  readonly port?: number;
}

/** Knative's ingress finds a function by the host alone: without the right one the answer is 404. */
function routes(object: KubernetesObject, objects: readonly KubernetesObject[]): Problem[] {
  const problems: Problem[] = [];
  const parents = (at(object, ['spec', 'parentRefs']) ?? []) as { name: string }[];
  for (const { name } of parents) {
    const gateway = findObject(objects, 'gateway.networking.k8s.io/', { kind: 'Gateway', name }, object);
    if (gateway === undefined && objects.some(({ kind }) => kind === 'Gateway'))
      problems.push(problem(object, 'spec.parentRefs', `there is no Gateway ${name}`));
  }
  ((at(object, ['spec', 'rules']) ?? []) as Rule[]).forEach((rule, i) => {
    const field = `spec.rules[${i}]`;
    if (!rule.matches?.length)
      problems.push(problem(object, `${field}.matches`, 'is missing: the rule would take everything'));
    for (const [j, { path }] of (rule.matches ?? []).entries())
      if (path?.type === undefined || path.value === undefined)
        problems.push(problem(object, `${field}.matches[${j}].path`, 'is not whole: the default takes every path'));
    if (rule.timeouts?.request === undefined)
      problems.push(problem(object, `${field}.timeouts.request`, 'is missing: gateways differ in what they take'));
    const host = rule.filters?.map(({ urlRewrite }) => urlRewrite?.hostname).find((each) => each !== undefined);
    const name = host?.split('.')[0];
    const target = findObject(objects, 'serving.knative.dev/', { kind: 'Service', name: String(name) }, object);
    const wanted = `${name}.${object.metadata.namespace}.svc.cluster.local`;
    if (target === undefined || host !== wanted)
      problems.push(problem(object, `${field}.filters`, `the host must become that of a function, not ${host}`));
    else if (!((at(target, [...container, 'env']) ?? []) as Variable[]).some((each) => each.name === proxies))
      problems.push(problem(target, `${container.join('.')}.env`, `${proxies} is missing: all callers would be one`));
    problems.push(...backends(object, objects, rule.backendRefs ?? [], `${field}.backendRefs`));
  });
  return problems;
}

/** The setting that tells callers apart behind the gateway and Knative's own proxies. */
const proxies = 'FREEFACE_TRUSTED_PROXIES';

/** One backend, Knative's ingress, where a grant of its namespace names it. See: [Note: A backend is the ingress] */
function backends(
  object: KubernetesObject,
  objects: readonly KubernetesObject[],
  list: readonly Backend[],
  field: string,
): Problem[] {
  const [backend, more] = list;
  if (backend === undefined || more !== undefined) return [problem(object, field, 'must be one: the ingress')];
  const { name, namespace = object.metadata.namespace } = backend;
  if (findObject(objects, 'serving.knative.dev/', { ...backend, kind: 'Service' }, object) !== undefined)
    return [problem(object, field, `${name} is an ExternalName, which gateways do not take`)];
  const grant = objects.find(
    (each) =>
      each.kind === 'ReferenceGrant' &&
      each.metadata.namespace === namespace &&
      isDeepStrictEqual(at(each, ['spec', 'from']), [
        { group: 'gateway.networking.k8s.io', kind: 'HTTPRoute', namespace: object.metadata.namespace },
      ]) &&
      isDeepStrictEqual(at(each, ['spec', 'to']), [{ group: '', kind: 'Service', name }]),
  );
  return grant === undefined
    ? [problem(object, field, `no ReferenceGrant of ${namespace} lets routes lead to ${name} alone`)]
    : [];
}

/** A match that stands twice leads to whichever is older. */
function matchesTwice(object: KubernetesObject, objects: readonly KubernetesObject[]): Problem[] {
  const rulesOf = (each: KubernetesObject) => (at(each, ['spec', 'rules']) ?? []) as Rule[];
  const keysOf = (each: KubernetesObject) =>
    rulesOf(each).flatMap(({ matches = [] }) =>
      matches.map(({ path, method = 'any method' }) => `${method} ${path?.value}`),
    );
  const all = objects.filter(({ kind }) => kind === 'HTTPRoute').flatMap(keysOf);
  return keysOf(object)
    .filter((key) => all.indexOf(key) !== all.lastIndexOf(key))
    .map((key) => problem(object, 'spec.rules', `${key} is there twice`));
}

interface PolicyRule {
  readonly from?: readonly Peer[];
  readonly to?: readonly Peer[];
  readonly ports?: readonly { readonly protocol?: string; readonly port?: number }[];
}
interface Peer {
  readonly namespaceSelector?: object;
}

/** An empty selector means everybody, a missing list everything: neither may come about by a slip. */
function policyRules(object: KubernetesObject): Problem[] {
  const problems: Problem[] = [];
  for (const way of ['ingress', 'egress'] as const) {
    const isWay = ((at(object, ['spec', 'policyTypes']) ?? []) as string[]).includes(
      way === 'ingress' ? 'Ingress' : 'Egress',
    );
    const rules = at(object, ['spec', way]) as PolicyRule[] | undefined;
    if (isWay && !rules?.length && object.metadata.name !== 'default-deny')
      problems.push(problem(object, `spec.${way}`, 'is missing: nothing would be allowed'));
    (rules ?? []).forEach((rule, i) => {
      const peers = way === 'ingress' ? rule.from : rule.to;
      const named = peers?.length || (way === 'egress' && rule.ports?.length);
      if (!named) problems.push(problem(object, `spec.${way}[${i}]`, 'is for everybody'));
      if (!rule.ports?.length && (way === 'ingress' || !peers?.length))
        problems.push(problem(object, `spec.${way}[${i}].ports`, 'is missing: every port would be open'));
      for (const { protocol, port } of rule.ports ?? [])
        if (protocol === undefined || port === undefined)
          problems.push(problem(object, `spec.${way}[${i}].ports`, 'must have a protocol and a port each'));
      for (const { namespaceSelector } of peers ?? [])
        if (namespaceSelector !== undefined && Object.keys(namespaceSelector).length === 0)
          problems.push(problem(object, `spec.${way}[${i}]`, 'an empty selector means every namespace'));
    });
  }
  return problems;
}

function policySelects(object: KubernetesObject, objects: readonly KubernetesObject[]): Problem[] {
  const wanted = Object.entries((at(object, ['spec', 'podSelector', 'matchLabels']) ?? {}) as Record<string, string>);
  if (wanted.length === 0) return [];
  const labelsOf = (each: KubernetesObject) =>
    (at(each, ['spec', 'template', 'metadata', 'labels']) ?? {}) as Record<string, string>;
  const selected = objects.some(
    (each) =>
      (isFunction(each) || each.kind === 'Job') && wanted.every(([key, value]) => labelsOf(each)[key] === value),
  );
  return selected ? [] : [problem(object, 'spec.podSelector', 'selects no pod of ours')];
}

const isFunction = ({ apiVersion, kind }: KubernetesObject): boolean =>
  apiVersion.startsWith('serving.knative.dev/') && kind === 'Service';

function at(value: unknown, path: readonly (string | number)[]): unknown {
  return path.reduce<unknown>((inner, part) => (inner as Record<string | number, unknown> | undefined)?.[part], value);
}

const problem = (object: KubernetesObject, field: string, message: string): Problem => ({
  where: nameOf(object),
  field,
  message,
});
