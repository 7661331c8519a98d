import { describe, expect, it } from 'vitest';
import { type ClusterState, missing } from './missing.ts';

const complete: ClusterState = {
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
  ingress: { service: 'kourier-system/kourier-internal', exists: true },
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
    'When the cluster has everything, then nothing is missing for %s',
    (overlay) => {
      expect(missing(overlay, complete)).toEqual([]);
    },
  );

  it.each(Object.keys(complete.features))(
    'When the flag %s is off, then gpu reports it with its remedy, and cpu does not',
    (name) => {
      const features = Object.fromEntries(Object.entries(complete.features).filter(([key]) => key !== name));

      expect(missing('gpu', { ...complete, features })).toEqual([
        {
          what: `the feature flag ${name} of Knative Serving`,
          remedy: `kubectl patch configmap config-features -n knative-serving --type merge -p '{"data":{"${name}":"enabled"}}'`,
        },
      ]);
      expect(missing('cpu', { ...complete, features })).toEqual([]);
    },
  );

  it.each(complete.crds)('When the CRD %s is missing, then production reports it', (name) => {
    const crds = complete.crds.filter((each) => each !== name);

    expect(missing('production', { ...complete, crds }).map(({ what }) => what)).toEqual([`the CRD ${name}`]);
  });

  it('When the time-out of revisions is shorter than ours, then the report names the setting', () => {
    const [lack] = missing('cpu', { ...complete, defaults: { 'max-revision-timeout-seconds': '300' } });

    expect(lack?.remedy).toContain('"max-revision-timeout-seconds":"600"');
  });

  it('When the ingress of the overlay is missing, then the report names it', () => {
    const ingress = { ...complete.ingress, exists: false };

    expect(missing('cpu', { ...complete, ingress }).map(({ what }) => what)).toEqual([
      "Knative's ingress, the Service kourier-system/kourier-internal",
    ]);
  });

  it('When Knative forbids an initial scale of zero, then only local reports it', () => {
    const cluster = { ...complete, autoscaler: {} };

    expect(missing('local', cluster).map(({ what }) => what)).toEqual([
      'allow-zero-initial-scale in config-autoscaler',
    ]);
    expect(missing('cpu', cluster)).toEqual([]);
  });

  it('When a node of the pool has no taint and no card, then the report names both', () => {
    const nodes = [{ metadata: { name: 'gpu1', labels: { pool: 'gpu' } } }];

    expect(missing('gpu', { ...complete, nodes }).map(({ what }) => what)).toEqual([
      'the taint nvidia.com/gpu:NoSchedule on gpu1',
      'a GPU on gpu1',
    ]);
  });
});
