import type { KubernetesObject } from './check.ts';
import { amount, goSeconds } from './forms.ts';

/** Resources that instances request from a cluster, without Knative's own container in each pod. */
interface Cost {
  readonly instances: number;
  /** Number of processors. */
  readonly cpu: number;
  /** Bytes. */
  readonly memory: number;
}

/** Seconds that a function with records takes for a warm request. Source: knative/README.md, Measured. */
const recordSeconds = 0.011;
/** Photos that the networks on one processor process in a second. Source: [Note: Sizes] and knative/components/extractor-cpu. */
const photosPerProcessor = 2;
const perSecond = 100;

/**
 * Returns a Markdown table of the cost of each overlay. The columns for idle and for a rollout follow from the manifests. The
 * columns for a load follow from the manifests and from measurements of one instance.
 */
export function costTable(overlays: ReadonlyMap<string, readonly KubernetesObject[]>): string {
  const rows = [...overlays].map(([name, objects]) => {
    const services = objects.filter(
      ({ apiVersion, kind }) => apiVersion === 'serving.knative.dev/v1' && kind === 'Service',
    );
    const named = (service: string) => services.filter(({ metadata }) => metadata.name === service);
    const cells = [
      costOf(services, (service) => Math.max(scaleOf(service, 'min-scale'), isNeverIdle(service, objects) ? 1 : 0)),
      costOf(services, (service) => scaleOf(service, 'initial-scale')),
      costOf(named('get-person'), (service) => busy(service, perSecond * recordSeconds)),
      ...(name === 'cpu' || name === 'production' ? [photoCost(named('extract-faces'), named('recognize-faces'))] : []),
    ].map(textOf);
    return `| \`${name}\` | ${[...cells, 'not measured'].slice(0, 4).join(' | ')} |`;
  });
  return [
    `| overlay | idle | during a rollout | ${perSecond} requests a second for records | ${perSecond} photos a second to recognise |`,
    '| --- | --- | --- | --- | --- |',
    ...rows,
  ].join('\n');
}

/**
 * Whether a schedule calls the service each minute and Knative's scaling window is at least as long. Then Knative never stops
 * the instance.
 */
function isNeverIdle(service: KubernetesObject, objects: readonly KubernetesObject[]): boolean {
  const { annotations } = revisionOf(service).metadata;
  const calls = objects.some(({ kind, spec }) => {
    if (kind !== 'PingSource') return false;
    const { schedule, sink } = spec as { schedule: string; sink: { ref: { name: string } } };
    return schedule === '* * * * *' && sink.ref.name === service.metadata.name;
  });
  return calls && goSeconds(annotations['autoscaling.knative.dev/window']!) >= 60;
}

/** The cost of enough extractors for the load, and of the callers that wait for them. */
function photoCost(extractors: readonly KubernetesObject[], callers: readonly KubernetesObject[]): Cost {
  const processors = perSecond / photosPerProcessor;
  return sum([
    costOf(extractors, (service) => Math.ceil(processors / requestsOf(service).cpu)),
    // Each photo uses one processor, so the number of concurrent photos is the number of processors.
    costOf(callers, (service) => busy(service, processors)),
  ]);
}

const costOf = (services: readonly KubernetesObject[], count: (service: KubernetesObject) => number): Cost =>
  sum(
    services.map((service) => {
      const [instances, { cpu, memory }] = [count(service), requestsOf(service)];
      return { instances, cpu: instances * cpu, memory: instances * memory };
    }),
  );

const sum = (costs: readonly Cost[]): Cost =>
  costs.reduce((a, b) => ({ instances: a.instances + b.instances, cpu: a.cpu + b.cpu, memory: a.memory + b.memory }), {
    instances: 0,
    cpu: 0,
    memory: 0,
  });

/** Returns the number of instances that Knative starts for `atOnce` concurrent requests. */
const busy = (service: KubernetesObject, atOnce: number): number =>
  Math.ceil(atOnce / ((scaleOf(service, 'target') * scaleOf(service, 'target-utilization-percentage')) / 100));

interface Revision {
  readonly metadata: { readonly annotations: Readonly<Record<string, string>> };
  readonly spec: { readonly containers: readonly [{ readonly resources: { readonly requests: Requests } }] };
}
interface Requests {
  readonly cpu: string;
  readonly memory: string;
}

const revisionOf = ({ spec }: KubernetesObject): Revision => (spec as { template: Revision }).template;

const scaleOf = (service: KubernetesObject, name: string): number =>
  Number(revisionOf(service).metadata.annotations[`autoscaling.knative.dev/${name}`]);

function requestsOf(service: KubernetesObject): Omit<Cost, 'instances'> {
  const { cpu, memory } = revisionOf(service).spec.containers[0].resources.requests;
  return { cpu: amount(cpu), memory: amount(memory) };
}

const textOf = ({ instances, cpu, memory }: Cost): string =>
  instances === 0 ? 'nothing' : `${instances}: ${round(cpu)} processors, ${round(memory / 2 ** 30)} GiB`;

const round = (value: number): number => Number(value.toPrecision(3));
