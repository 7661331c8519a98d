/** The overlays that can be installed. */
export const overlays = ['local', 'cpu', 'gpu', 'production'] as const;
export type Overlay = (typeof overlays)[number];

/** What was found in a cluster. */
export interface ClusterState {
  /** Names, as `services.serving.knative.dev`. */
  readonly crds: readonly string[];
  /** Data of the ConfigMaps `config-features`, `config-defaults` and `config-autoscaler` of Knative Serving. */
  readonly features: Readonly<Record<string, string>>;
  readonly defaults: Readonly<Record<string, string>>;
  readonly autoscaler: Readonly<Record<string, string>>;
  readonly gatewayClasses: readonly string[];
  /** Knative's ingress as the overlay names it, in the form `namespace/name`, and whether that Service is there. */
  readonly ingress: { readonly service: string; readonly isThere: boolean };
  readonly runtimeClasses: readonly string[];
  readonly nodes: readonly {
    readonly metadata: { readonly name: string; readonly labels?: Readonly<Record<string, string>> };
    readonly spec?: { readonly taints?: readonly { readonly key: string; readonly effect: string }[] };
    readonly status?: { readonly allocatable?: Readonly<Record<string, string>> };
  }[];
  /** Of the namespace freeface. */
  readonly secrets: readonly string[];
}

export interface Lack {
  readonly what: string;
  readonly remedy: string;
}

/** CRDs, who brings them, and the overlays that need them; all when none are named. */
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
  { name: 'httproutes.gateway.networking.k8s.io', remedy: 'install the Gateway API and a gateway, as Envoy Gateway' },
  { name: 'gateways.gateway.networking.k8s.io', remedy: 'install the Gateway API and a gateway, as Envoy Gateway' },
  {
    name: 'referencegrants.gateway.networking.k8s.io',
    remedy: 'install the Gateway API and a gateway, as Envoy Gateway',
  },
  {
    name: 'kafkatopics.kafka.strimzi.io',
    remedy:
      'install Strimzi, or take the line with eventing/topics out of the overlay and make the topics of eventing/topics/topics.yaml by hand',
    overlays: ['cpu', 'gpu', 'production'],
  },
  { name: 'certificates.cert-manager.io', remedy: 'install cert-manager', overlays: ['production'] },
];

/** Flags of `config-features` that a Service with what the overlay puts into it needs. */
const gpuFlags = [
  'kubernetes.podspec-nodeselector',
  'kubernetes.podspec-tolerations',
  'kubernetes.podspec-runtimeclassname',
];

/** The longest request that a revision of ours allows, in seconds. */
const longestRequest = 600;

/** What a cluster lacks before an overlay can be installed and work, each with what to do about it. */
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
      ? [{ what: 'a GatewayClass', remedy: 'install a gateway, and name its class in the Gateway freeface' }]
      : []),
    ...(cluster.ingress.isThere
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
      remedy: "install NVIDIA's GPU operator, or take runtimeClassName out of extractor-gpu",
    });
  if (pool.length === 0)
    lacks.push({
      what: 'a node with the label pool=gpu',
      remedy: 'kubectl label node NAME pool=gpu (a pool that scales from nothing has none yet)',
    });
  for (const { metadata, spec, status } of pool) {
    if (!spec?.taints?.some(({ key, effect }) => key === 'nvidia.com/gpu' && effect === 'NoSchedule'))
      lacks.push({
        what: `the taint nvidia.com/gpu:NoSchedule on ${metadata.name}`,
        remedy: `kubectl taint node ${metadata.name} nvidia.com/gpu=present:NoSchedule`,
      });
    if (Number(status?.allocatable?.['nvidia.com/gpu'] ?? 0) === 0)
      lacks.push({ what: `a GPU that ${metadata.name} offers`, remedy: "install NVIDIA's device plugin" });
  }
  return lacks;
}

const flag = (name: string): Lack => ({
  what: `the feature flag ${name} of Knative Serving`,
  remedy: patch('config-features', name, 'enabled'),
});

const patch = (map: string, key: string, value: string): string =>
  `kubectl patch configmap ${map} -n knative-serving --type merge -p '${JSON.stringify({ data: { [key]: value } })}'`;
