/** Overlays that can be installed. */
export const overlays = ['local', 'cpu', 'gpu', 'production'] as const;
export type Overlay = (typeof overlays)[number];

/** State of a cluster, as far as the overlays need it. */
export interface ClusterState {
  /** Names, for example `services.serving.knative.dev`. */
  readonly crds: readonly string[];
  /** Data of the ConfigMaps `config-features`, `config-defaults` and `config-autoscaler` of Knative Serving. */
  readonly features: Readonly<Record<string, string>>;
  readonly defaults: Readonly<Record<string, string>>;
  readonly autoscaler: Readonly<Record<string, string>>;
  readonly gatewayClasses: readonly string[];
  /** The Service of Knative's ingress that the overlay names, as `namespace/name`, and whether it exists. */
  readonly ingress: { readonly service: string; readonly exists: boolean };
  readonly runtimeClasses: readonly string[];
  readonly nodes: readonly {
    readonly metadata: { readonly name: string; readonly labels?: Readonly<Record<string, string>> };
    readonly spec?: { readonly taints?: readonly { readonly key: string; readonly effect: string }[] };
    readonly status?: { readonly allocatable?: Readonly<Record<string, string>> };
  }[];
  /** Names of the Secrets in the namespace freeface. */
  readonly secrets: readonly string[];
}

export interface Lack {
  readonly what: string;
  readonly remedy: string;
}

/** CRDs, how to install them, and the overlays that need them. All overlays need a CRD without `overlays`. */
const crds: readonly { readonly name: string; readonly remedy: string; readonly overlays?: readonly Overlay[] }[] = [
  { name: 'services.serving.knative.dev', remedy: 'install Knative Serving, https://knative.dev/docs/install/' },
  { name: 'pingsources.sources.knative.dev', remedy: 'install Knative Eventing, https://knative.dev/docs/install/' },
  {
    name: 'kafkasources.sources.knative.dev',
    remedy:
      'install the Kafka source: eventing-kafka-controller.yaml and eventing-kafka-source.yaml of knative-extensions/eventing-kafka-broker',
  },
  {
    name: 'kafkasinks.eventing.knative.dev',
    remedy: 'install the Kafka sink: eventing-kafka-sink.yaml of knative-extensions/eventing-kafka-broker',
  },
  {
    name: 'httproutes.gateway.networking.k8s.io',
    remedy: 'install the Gateway API and a gateway, for example Envoy Gateway',
  },
  {
    name: 'gateways.gateway.networking.k8s.io',
    remedy: 'install the Gateway API and a gateway, for example Envoy Gateway',
  },
  {
    name: 'referencegrants.gateway.networking.k8s.io',
    remedy: 'install the Gateway API and a gateway, for example Envoy Gateway',
  },
  {
    name: 'kafkatopics.kafka.strimzi.io',
    remedy:
      'install Strimzi, or remove the line with eventing/topics from the overlay and create the topics of eventing/topics/topics.yaml by hand',
    overlays: ['cpu', 'gpu', 'production'],
  },
  { name: 'certificates.cert-manager.io', remedy: 'install cert-manager', overlays: ['production'] },
];

/** Flags of `config-features` that the fields of the overlay gpu need. */
const gpuFlags = [
  'kubernetes.podspec-nodeselector',
  'kubernetes.podspec-tolerations',
  'kubernetes.podspec-runtimeclassname',
];

/** Longest time-out of our revisions, in seconds. */
const longestRequest = 600;

/** Returns everything that an overlay needs and the cluster does not have, each with a remedy. */
export function missing(overlay: Overlay, cluster: ClusterState): Lack[] {
  return [
    ...crds
      .filter((crd) => (crd.overlays ?? overlays).includes(overlay) && !cluster.crds.includes(crd.name))
      .map(({ name, remedy }) => ({ what: `the CRD ${name}`, remedy })),
    ...(overlay === 'gpu' ? gpuLacks(cluster) : []),
    ...(overlay === 'local' && cluster.autoscaler['allow-zero-initial-scale'] !== 'true'
      ? [
          {
            what: 'allow-zero-initial-scale in config-autoscaler',
            remedy: patch('config-autoscaler', 'allow-zero-initial-scale', 'true'),
          },
        ]
      : []),
    ...(cluster.features['kubernetes.podspec-volumes-emptydir'] === 'disabled'
      ? [flag('kubernetes.podspec-volumes-emptydir')]
      : []),
    ...(Number(cluster.defaults['max-revision-timeout-seconds'] ?? longestRequest) < longestRequest
      ? [
          {
            what: `max-revision-timeout-seconds of at least ${longestRequest} in config-defaults`,
            remedy: patch('config-defaults', 'max-revision-timeout-seconds', String(longestRequest)),
          },
        ]
      : []),
    ...(cluster.gatewayClasses.length === 0
      ? [{ what: 'a GatewayClass', remedy: 'install a gateway, and set its class in the Gateway freeface' }]
      : []),
    ...(cluster.ingress.exists
      ? []
      : [
          {
            what: `Knative's ingress, the Service ${cluster.ingress.service}`,
            remedy:
              'install Kourier, or patch the ReferenceGrant freeface of the overlay so that it names your ingress',
          },
        ]),
    ...(cluster.secrets.includes('freeface-s3')
      ? []
      : [
          {
            what: 'the Secret freeface-s3',
            remedy:
              'kubectl create namespace freeface; kubectl create secret generic freeface-s3 -n freeface --from-literal=S3_ACCESS_KEY_ID=… --from-literal=S3_SECRET_ACCESS_KEY=…',
          },
        ]),
  ];
}

function gpuLacks({ features, runtimeClasses, nodes }: ClusterState): Lack[] {
  const pool = nodes.filter(({ metadata }) => metadata.labels?.pool === 'gpu');
  const lacks = gpuFlags.filter((name) => features[name] !== 'enabled').map(flag);
  if (!runtimeClasses.includes('nvidia'))
    lacks.push({
      what: 'the RuntimeClass nvidia',
      remedy: "install NVIDIA's GPU operator, or remove runtimeClassName from extractor-gpu",
    });
  if (pool.length === 0)
    lacks.push({
      what: 'a node with the label pool=gpu',
      remedy: 'kubectl label node NAME pool=gpu (ignore this if the pool scales from zero and has no node yet)',
    });
  for (const { metadata, spec, status } of pool) {
    if (!spec?.taints?.some(({ key, effect }) => key === 'nvidia.com/gpu' && effect === 'NoSchedule'))
      lacks.push({
        what: `the taint nvidia.com/gpu:NoSchedule on ${metadata.name}`,
        remedy: `kubectl taint node ${metadata.name} nvidia.com/gpu=present:NoSchedule`,
      });
    if (Number(status?.allocatable?.['nvidia.com/gpu'] ?? 0) === 0)
      lacks.push({ what: `a GPU on ${metadata.name}`, remedy: "install NVIDIA's device plugin" });
  }
  return lacks;
}

const flag = (name: string): Lack => ({
  what: `the feature flag ${name} of Knative Serving`,
  remedy: patch('config-features', name, 'enabled'),
});

const patch = (map: string, key: string, value: string): string =>
  `kubectl patch configmap ${map} -n knative-serving --type merge -p '${JSON.stringify({ data: { [key]: value } })}'`;
