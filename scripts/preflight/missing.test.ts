import { describe, expect, it } from 'vitest';
import { type ClusterState, missing } from './missing.ts';

const whole: ClusterState = {
  crds: [
    'services.serving.knative.dev',
    'pingsources.sources.knative.dev',
    'kafkasources.sources.knative.dev',
    'kafkasinks.eventing.knative.dev',
    'httproutes.gateway.networking.k8s.io',
    'gateways.gateway.networking.k8s.io',
    'referencegrants.gateway.networking.k8s.io',
    'kafkatopics.kafka.strimzi.io',
    'certificates.cert-manager.io',
  ],
  features: {
    'kubernetes.podspec-nodeselector': 'enabled',
    'kubernetes.podspec-tolerations': 'enabled',
    'kubernetes.podspec-runtimeclassname': 'enabled',
  },
  defaults: {},
  autoscaler: { 'allow-zero-initial-scale': 'true' },
  gatewayClasses: ['eg'],
  ingress: { service: 'kourier-system/kourier-internal', isThere: true },
  runtimeClasses: ['nvidia'],
  nodes: [
    {
      metadata: { name: 'gpu1', labels: { pool: 'gpu' } },
      spec: { taints: [{ key: 'nvidia.com/gpu', effect: 'NoSchedule' }] },
      status: { allocatable: { 'nvidia.com/gpu': '1' } },
    },
  ],
  secrets: ['freeface-s3'],
};

describe('Preflight', () => {
  it.each(['local', 'cpu', 'gpu', 'production'] as const)(
    'When all is there, then nothing is missing for %s',
    (overlay) => {
      expect(missing(overlay, whole)).toEqual([]);
    },
  );

  it.each(Object.keys(whole.features))(
    'When the flag %s is off, then gpu lacks it and is told how to set it, and cpu does not',
    (name) => {
      const features = Object.fromEntries(Object.entries(whole.features).filter(([key]) => key !== name));

      expect(missing('gpu', { ...whole, features })).toEqual([
        {
          what: `the feature flag ${name} of Knative Serving`,
          remedy: `kubectl patch configmap config-features -n knative-serving --type merge -p '{"data":{"${name}":"enabled"}}'`,
        },
      ]);
      expect(missing('cpu', { ...whole, features })).toEqual([]);
    },
  );

  it.each(whole.crds)('When the CRD %s is not there, then production is told', (name) => {
    const crds = whole.crds.filter((each) => each !== name);

    expect(missing('production', { ...whole, crds }).map(({ what }) => what)).toEqual([`the CRD ${name}`]);
  });

  it('When revisions may not take as long as ours, then the setting is named', () => {
    const [lack] = missing('cpu', { ...whole, defaults: { 'max-revision-timeout-seconds': '300' } });

    expect(lack?.remedy).toContain('"max-revision-timeout-seconds":"600"');
  });

  it('When the ingress that the overlay names is not there, then it is named', () => {
    const ingress = { ...whole.ingress, isThere: false };

    expect(missing('cpu', { ...whole, ingress }).map(({ what }) => what)).toEqual([
      "Knative's ingress, the Service kourier-system/kourier-internal",
    ]);
  });

  it('When nothing may begin with no instance, then local alone is told', () => {
    const cluster = { ...whole, autoscaler: {} };

    expect(missing('local', cluster).map(({ what }) => what)).toEqual([
      'allow-zero-initial-scale in config-autoscaler',
    ]);
    expect(missing('cpu', cluster)).toEqual([]);
  });

  it('When a node of the pool has no taint and no card, then both are named', () => {
    const nodes = [{ metadata: { name: 'gpu1', labels: { pool: 'gpu' } } }];

    expect(missing('gpu', { ...whole, nodes }).map(({ what }) => what)).toEqual([
      'the taint nvidia.com/gpu:NoSchedule on gpu1',
      'a GPU that gpu1 offers',
    ]);
  });
});
