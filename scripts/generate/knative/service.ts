import { isHttp, type Manifest, portsOf, writesEvents } from '../../../shared/runtime/define.ts';
import { sizes } from '../../../shared/runtime/sizes.ts';
import { extractionLimits } from '../../../shared/vision/extraction-limits.ts';
import { amount, threadsOf } from '../../manifests/forms.ts';
import * as names from '../../manifests/names.ts';
import type { KnativeService } from '../../manifests/serving.ts';
import { revisionSeconds } from './delivery.ts';
import { asksExtractor, settingsFor, storesOf, variablesOf } from './settings.ts';
import type { Comments } from './yaml.ts';

/**
 * The Knative Service of a function.
 *
 * [Note: Every service is for the cluster alone]
 * People come through the gateway's table of paths; no service has a public host of its own. So what the table does not name
 * cannot be reached from outside: a process's metrics, an event's `/`, a schedule.
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
              securityContext: asNobody,
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
 * Requests that Knative lets through to an instance at once.
 *
 * [Note: The extractor sheds by itself]
 * A function takes as many as it works well with, and Knative holds the others for a further instance. Before the extractor that queue
 * would be the wrong one: it ends in a 503 without our error, minutes after what a caller waits. So Knative lets twice as many
 * through as the function's own gate, which answers 429 with Retry-After at once, and callers take that for busy. Where a further
 * instance starts is told by `target` and does not change.
 */
function mostAtOnce(manifest: Manifest): number {
  if (manifest.name !== names.extractor) return manifest.concurrency;
  const { working, waiting } = extractionLimits(threadsOf(manifest.resources.cpu));
  return 2 * (working + waiting);
}

/** A folder to write to, and the certificates that the stores' are signed by, where there are any. */
function volumesOf(manifest: Manifest) {
  // The extractor's data folder is in its image: the weights, which it only reads.
  const data = {
    volume: { name: 'data', emptyDir: { sizeLimit: '64Mi' } },
    mount: { name: 'data', mountPath: '/data' },
  };
  return [
    ...(manifest.name === names.extractor ? [] : [data]),
    ...(storesOf(manifest).length > 0 ? [certificates] : []),
  ];
}

/** Certificates that the stores' are signed by. */
export const certificates = {
  volume: { name: 'ca', configMap: { name: names.certificatesConfig, optional: true } },
  mount: { name: 'ca', mountPath: '/etc/freeface', readOnly: true },
};

/** With no privilege, and a file system that is read only. */
export const asNobody = {
  allowPrivilegeEscalation: false,
  capabilities: { drop: ['ALL'] },
  readOnlyRootFilesystem: true,
  runAsNonRoot: true,
  seccompProfile: { type: 'RuntimeDefault' as const },
};

type Scaling = NonNullable<Manifest['scaling']>;

/**
 * What it asks for in a cluster. There the networks run in one function alone: who asks it, whatever its size says of a process
 * that holds networks, passes image bytes on.
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
    // A thread more than there are processors to run it would only wait, and keep its networks in memory.
    ...(manifest.name === names.extractor && { FREEFACE_THREADS: String(threadsOf(manifest.resources.cpu)) }),
    ...(takesBodies(manifest) && { FREEFACE_MAX_HELD_BYTES: String(amount(memoryLimit) / 4) }),
    FREEFACE_SHUTDOWN_SECONDS: String(Math.min(revisionSeconds(manifest) - 5, 595)),
  };
}

/** Whether image bytes come in: then how many are held at once must fit into the memory. */
const takesBodies = (manifest: Manifest): boolean =>
  manifest.name === names.extractor || (isHttp(manifest) && manifest.image !== undefined);

/** Labels that the network policies select by: the stores and functions that a pod may reach. */
export function reachLabels(manifest: Manifest): Record<string, string> {
  const reached = [
    ...storesOf(manifest),
    ...(asksExtractor(manifest) ? ['extractor'] : []),
    ...(writesEvents(manifest) ? ['outbox'] : []),
    ...(sendsWebhooks.has(manifest.name) ? ['internet'] : []),
    ...(asksIssuer(manifest) ? ['issuer'] : []),
  ];
  return Object.fromEntries(reached.map((name) => [`freeface/reaches-${name}`, 'true']));
}

/** Who calls receivers; all others of the port leave that to them. */
const sendsWebhooks: ReadonlySet<string> = new Set(['deliver-webhook', 'ping-webhook']);

/** Whoever asks who calls may have to fetch the keys of an outside issuer; the component `outside-issuer` lets them. */
const asksIssuer = (manifest: Manifest): boolean => isHttp(manifest) && manifest.trigger.scope !== null;

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
      text: 'once at a rollout, so that a revision that cannot start is found then and not by a caller',
    },
    {
      path: [...annotations, 'autoscaling.knative.dev/target'],
      text: 'a further instance starts when one is this full',
    },
    { path: [...annotations, 'autoscaling.knative.dev/window'], text: why.window },
    { path: [...annotations, 'autoscaling.knative.dev/scale-to-zero-pod-retention-period'], text: why.keep },
    { path: [...template, 'spec', 'containerConcurrency'], text: why.concurrency },
    { path: [...template, 'spec', 'containers', 0, 'resources'], text: why.resources },
  ];
}
