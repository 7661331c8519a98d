import { execFileSync } from 'node:child_process';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { parseAllDocuments } from 'yaml';
import { type ClusterState, missing, type Overlay, overlays } from './preflight/missing.ts';

/**
 * `npm run preflight -- [cpu|gpu|local|production]`: lists what kubectl's current cluster lacks for this overlay. Exit code 1 if it
 * lacks something.
 */
function main(): void {
  const { positionals } = parseArgs({ allowPositionals: true });
  const [overlay = 'cpu'] = positionals;
  if (!isOverlay(overlay)) {
    process.stderr.write(`usage: npm run preflight -- ${overlays.join(' | ')}\n`);
    process.exitCode = 2;
    return;
  }
  const lacks = missing(overlay, clusterState(overlay));
  for (const { what, remedy } of lacks) process.stdout.write(`missing: ${what}\n     to do: ${remedy}\n`);
  if (lacks.length === 0) process.stdout.write(`Nothing is missing for kubectl apply -k knative/overlays/${overlay}\n`);
  else process.exitCode = 1;
}

const isOverlay = (name: string): name is Overlay => (overlays as readonly string[]).includes(name);

function clusterState(overlay: Overlay): ClusterState {
  const config = (name: string) =>
    get<{ data?: Record<string, string> }>('configmap', name, '-n', 'knative-serving')?.data ?? {};
  const namesOf = (kind: string) =>
    get<{ items: { metadata: { name: string } }[] }>(kind)?.items.map(({ metadata }) => metadata.name) ?? [];
  const ingress = ingressOf(overlay);
  return {
    crds: namesOf('crd'),
    features: config('config-features'),
    defaults: config('config-defaults'),
    autoscaler: config('config-autoscaler'),
    gatewayClasses: namesOf('gatewayclass'),
    ingress: {
      service: `${ingress.namespace}/${ingress.name}`,
      exists: get('service', ingress.name, '-n', ingress.namespace) !== undefined,
    },
    runtimeClasses: namesOf('runtimeclass'),
    nodes: get<{ items: ClusterState['nodes'] }>('nodes')?.items ?? [],
    secrets:
      get<{ items: { metadata: { name: string } }[] }>('secret', '-n', 'freeface')?.items.map(
        ({ metadata }) => metadata.name,
      ) ?? [],
  };
}

/** Returns the Service that is the backend of the overlay's routes. */
function ingressOf(overlay: Overlay): { namespace: string; name: string } {
  const text = execFileSync('kubectl', ['kustomize', `knative/overlays/${overlay}`], {
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
  });
  const grant = parseAllDocuments(text)
    .map((document) => document.toJS() as Grant)
    .find(({ kind }) => kind === 'ReferenceGrant');
  if (grant === undefined) throw new Error(`the overlay ${overlay} has no ReferenceGrant`);
  return { namespace: grant.metadata.namespace, name: grant.spec.to[0]!.name };
}

interface Grant {
  readonly kind: string;
  readonly metadata: { readonly namespace: string };
  readonly spec: { readonly to: readonly { readonly name: string }[] };
}

/** Returns an object or a list of objects; undefined if there is none. Throws an Error if kubectl fails otherwise. */
function get<Found>(...args: string[]): Found | undefined {
  try {
    const text = execFileSync('kubectl', ['get', ...args, '-o', 'json'], {
      encoding: 'utf8',
      maxBuffer: 256 * 1024 * 1024,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    return JSON.parse(text) as Found;
  } catch (error) {
    const text = String((error as { stderr?: string }).stderr ?? error);
    if (/NotFound|the server doesn't have a resource type/.test(text)) return undefined;
    throw new Error(`kubectl get ${args.join(' ')} failed: ${text.trim().split('\n').at(-1)}`, { cause: error });
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  try {
    main();
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n`);
    process.exitCode = 2;
  }
}
