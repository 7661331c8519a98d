import { isHttp, type Manifest, portsOf, writesEvents } from '../../../shared/function/define.ts';
import { sizes } from '../../../shared/function/sizes.ts';
import { extractionLimits } from '../../../shared/vision/extraction-limits.ts';
import { amount, threadsOf } from '../../manifests/forms.ts';
import * as names from '../../manifests/names.ts';
import type { KnativeService } from '../../manifests/serving.ts';
import { revisionSeconds } from './delivery.ts';
import { asksExtractor, settingsFor, storesOf, variablesOf } from './settings.ts';
import type { Comments } from './yaml.ts';

/**
 * Returns the Knative Service of a function.
 *
 * [Note: All services are cluster-local]
 * Clients reach functions only through the gateway's table of paths. No service has a public host. So paths that are not in the table
 * cannot be reached from outside: the metrics of a process, the `/` of an event function, a scheduled function.
 */
export function knativeService(manifest: Manifest, version: string): { object: KnativeService; comments: Comments } {
  const { name, concurrency, scale } = manifest;
  const { resources, scaling } = footprint(manifest);
  const annotations = eventAnnotations(manifest);
  const volumes = volumesOf(manifest);
  const object: KnativeService = {
    apiVersion: 'serving.knative.dev/v1',
    kind: 'Service',
    metadata: {
      name,
      namespace: names.namespace,
      labels: { ...names.labelsOf(name), 'networking.knative.dev/visibility': 'cluster-local' },
      ...(Object.keys(annotations).length > 0 && { annotations }),
    },
    spec: {
      template: {
        metadata: {
          labels: { ...names.labelsOf(name), ...reachLabels(manifest) },
          annotations: {
            'autoscaling.knative.dev/min-scale': String(scale.min),
            'autoscaling.knative.dev/max-scale': String(scale.max),
            'autoscaling.knative.dev/initial-scale': '1',
            'autoscaling.knative.dev/target': String(concurrency),
            'autoscaling.knative.dev/target-utilization-percentage': String(scaling.utilization),
            'autoscaling.knative.dev/window': `${scaling.windowSeconds}s`,
            'autoscaling.knative.dev/scale-to-zero-pod-retention-period': `${scaling.keepSeconds}s`,
          },
        },
        spec: {
          serviceAccountName: name,
          automountServiceAccountToken: false,
          enableServiceLinks: false,
          containerConcurrency: mostAtOnce(manifest),
          timeoutSeconds: revisionSeconds(manifest),
          containers: [
            {
              name: 'function',
              image: names.imageOf(name, version),
              ports: [{ name: 'http1', containerPort: 8080 }],
              env: variablesOf(manifest, ownSettings(manifest, scaling.memoryLimit)),
              envFrom: settingsFor(storesOf(manifest)),
              resources: {
                requests: { cpu: resources.cpu, memory: resources.memory },
                limits: { memory: scaling.memoryLimit },
              },
              readinessProbe: { httpGet: { path: '/health/readiness', port: 8080 } },
              livenessProbe: {
                httpGet: { path: '/health/liveness', port: 8080 },
                periodSeconds: 10,
                timeoutSeconds: 5,
                failureThreshold: 6,
              },
              securityContext: unprivileged,
              ...(volumes.length > 0 && { volumeMounts: volumes.map(({ mount }) => mount) }),
            },
          ],
          ...(volumes.length > 0 && { volumes: volumes.map(({ volume }) => volume) }),
        },
      },
    },
  };
  return { object, comments: commentsOf(manifest, scaling.why) };
}

/**
 * Returns the number of concurrent requests that Knative lets through to one instance.
 *
 * [Note: The extractor sheds requests]
 * A function accepts as many requests as it can process well. Knative queues the others until there is a further instance. This queue is
 * wrong for the extractor: it ends in a 503 without our error code, minutes after the caller's time-out. So Knative lets through twice
 * as many requests as the extractor itself accepts. The extractor answers the rest with 429 and Retry-After at once, and callers treat
 * this as busy. `target` still decides when a further instance starts.
 */
function mostAtOnce(manifest: Manifest): number {
  if (manifest.name !== names.extractor) return manifest.concurrency;
  const { working, waiting } = extractionLimits(threadsOf(manifest.resources.cpu));
  return 2 * (working + waiting);
}

/** Volumes of a function: a folder to write to and, if it uses stores, their CA certificates. */
function volumesOf(manifest: Manifest) {
  // The extractor's data folder is in its image. It contains the weights, which the extractor only reads.
  const data = {
    volume: { name: 'data', emptyDir: { sizeLimit: '64Mi' } },
    mount: { name: 'data', mountPath: '/data' },
  };
  return [
    ...(manifest.name === names.extractor ? [] : [data]),
    ...(storesOf(manifest).length > 0 ? [certificates] : []),
  ];
}

/** Volume of the CA certificates that signed the stores' certificates. */
export const certificates = {
  volume: { name: 'ca', configMap: { name: names.certificatesConfig, optional: true } },
  mount: { name: 'ca', mountPath: '/etc/freeface', readOnly: true },
};

/** No privileges, and a read-only file system. */
export const unprivileged = {
  allowPrivilegeEscalation: false,
  capabilities: { drop: ['ALL'] },
  readOnlyRootFilesystem: true,
  runAsNonRoot: true,
  seccompProfile: { type: 'RuntimeDefault' as const },
};

type Scaling = NonNullable<Manifest['scaling']>;

/**
 * Returns the resources and the scaling of a function in a cluster. There only the extractor runs networks. A function that calls the
 * extractor only passes image bytes on. So it gets the size `image`, not the size of a process with networks.
 */
function footprint(manifest: Manifest): { resources: Manifest['resources']; scaling: Scaling } {
  const { resources, scaling = sizes.record.scaling, scale } = manifest;
  if (!asksExtractor(manifest) || scale.max === 1) return { resources, scaling };
  const { image } = sizes;
  return {
    resources: image.resources,
    scaling: { ...image.scaling, why: { ...image.scaling.why, concurrency: scaling.why.concurrency.split(':')[0]! } },
  };
}

function ownSettings(manifest: Manifest, memoryLimit: string): Record<string, string> {
  const usesModels = ['extractor', 'vectors'].some((port) => (portsOf(manifest) as readonly string[]).includes(port));
  return {
    FREEFACE_DATA: manifest.name === names.extractor ? '/app/data' : '/data',
    ...(usesModels && { FREEFACE_MODELS: '/app/models' }),
    // More threads than processors would only wait and keep their networks in memory.
    ...(manifest.name === names.extractor && { FREEFACE_THREADS: String(threadsOf(manifest.resources.cpu)) }),
    ...(receivesImages(manifest) && { FREEFACE_MAX_HELD_BYTES: String(amount(memoryLimit) / 4) }),
    FREEFACE_SHUTDOWN_SECONDS: String(Math.min(revisionSeconds(manifest) - 5, 595)),
  };
}

/** Whether requests contain image bytes. Then the bytes of all concurrent requests must fit into the memory. */
const receivesImages = (manifest: Manifest): boolean =>
  manifest.name === names.extractor || (isHttp(manifest) && manifest.image !== undefined);

/** Labels with the stores and functions that a pod may reach. The network policies select pods by them. */
export function reachLabels(manifest: Manifest): Record<string, string> {
  const reached = [
    ...storesOf(manifest),
    ...(asksExtractor(manifest) ? ['extractor'] : []),
    ...(writesEvents(manifest) ? ['outbox'] : []),
    ...(sendsWebhooks.has(manifest.name) ? ['internet'] : []),
    ...(callsIssuer(manifest) ? ['issuer'] : []),
  ];
  return Object.fromEntries(reached.map((name) => [`freeface/reaches-${name}`, 'true']));
}

/** The functions that call receivers of webhooks. Other functions that use the port do not call them. */
const sendsWebhooks: ReadonlySet<string> = new Set(['deliver-webhook', 'ping-webhook']);

/**
 * Whether a function authenticates callers. Then it may have to fetch the keys of an outside issuer. The component `outside-issuer`
 * allows this.
 */
const callsIssuer = (manifest: Manifest): boolean => isHttp(manifest) && manifest.trigger.scope !== null;

function eventAnnotations(manifest: Manifest): Record<string, string> {
  const { emits = [], trigger } = manifest;
  return {
    ...(emits.length > 0 && { [names.emitsAnnotation]: emits.join(',') }),
    ...(trigger.kind === 'event' && { [names.consumesAnnotation]: [trigger.type].flat().join(',') }),
  };
}

function commentsOf({ summary }: Manifest, why: Scaling['why']): Comments {
  const template = ['spec', 'template'];
  const annotations = [...template, 'metadata', 'annotations'];
  return [
    { path: ['apiVersion'], text: `${summary}.` },
    { path: [...annotations, 'autoscaling.knative.dev/min-scale'], text: why.scale },
    {
      path: [...annotations, 'autoscaling.knative.dev/initial-scale'],
      text: 'one start at a rollout, so that a revision that cannot start fails then and not at the first request',
    },
    {
      path: [...annotations, 'autoscaling.knative.dev/target'],
      text: 'concurrent requests of one instance; a further one starts at the percentage below',
    },
    { path: [...annotations, 'autoscaling.knative.dev/window'], text: why.window },
    { path: [...annotations, 'autoscaling.knative.dev/scale-to-zero-pod-retention-period'], text: why.keep },
    { path: [...template, 'spec', 'containerConcurrency'], text: why.concurrency },
    { path: [...template, 'spec', 'containers', 0, 'resources'], text: why.resources },
  ];
}
