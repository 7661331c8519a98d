import { execFileSync } from 'node:child_process';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { type ClusterState, missing, type Overlay, overlays } from './preflight/missing.ts';

/** `npm run preflight -- [cpu|gpu|local|production]`: what the cluster that kubectl talks to lacks for this overlay. Exit code 1 when it lacks something. */
function main(): void {
  const { positionals } = parseArgs({ allowPositionals: true });
  const [overlay = 'cpu'] = positionals;
  if (!isOverlay(overlay)) {
    process.stderr.write(`usage: npm run preflight -- ${overlays.join(' | ')}\n`);
    process.exitCode = 2;
    return;
  }
  const lacks = missing(overlay, clusterState());
  for (const { what, remedy } of lacks) process.stdout.write(`missing: ${what}\n     to do: ${remedy}\n`);
  if (lacks.length === 0) process.stdout.write(`Nothing is missing for kubectl apply -k knative/overlays/${overlay}\n`);
  else process.exitCode = 1;
}

const isOverlay = (name: string): name is Overlay => (overlays as readonly string[]).includes(name);

function clusterState(): ClusterState {
  const config = (name: string) =>
    get<{ data?: Record<string, string> }>('configmap', name, '-n', 'knative-serving')?.data ?? {};
  const namesOf = (kind: string) =>
    get<{ items: { metadata: { name: string } }[] }>(kind)?.items.map(({ metadata }) => metadata.name) ?? [];
  return {
    crds: namesOf('crd'),
    features: config('config-features'),
    defaults: config('config-defaults'),
    autoscaler: config('config-autoscaler'),
    gatewayClasses: namesOf('gatewayclass'),
    runtimeClasses: namesOf('runtimeclass'),
    nodes: get<{ items: ClusterState['nodes'] }>('nodes')?.items ?? [],
    secrets:
      get<{ items: { metadata: { name: string } }[] }>('secret', '-n', 'freeface')?.items.map(
        ({ metadata }) => metadata.name,
      ) ?? [],
  };
}

/** An object or a list of them; undefined when there is none. Throws when the cluster cannot be reached. */
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
