import { type HttpManifest, isHttp, type Manifest } from '../../../shared/runtime/define.ts';
import type { HttpRoute, ReferenceGrant } from '../../manifests/gateway.ts';
import * as names from '../../manifests/names.ts';

/** The function that answers what no path leads to, in the API's own form. */
const answersUnknown = 'api-docs';
/** What a function served alone answers itself, before its route: probes and its process's metrics. */
const probePaths = new Set(['/metrics', '/health/liveness', '/health/readiness']);
/** So that the function's own answer to what took too long comes before the gateway's; an instance may have to start first. */
const marginSeconds = 30;
/** The most rules that Gateway API lets one HTTPRoute have. */
const mostRules = 16;

interface Entry {
  readonly path: string;
  /** null: whatever no other entry of the path takes. */
  readonly method: HttpManifest['trigger']['method'] | null;
  readonly manifest: HttpManifest;
  /** The path under which the function has it, where it cannot have the one from outside. */
  readonly rewrite?: string;
}
type Rule = NonNullable<HttpRoute['spec']['rules']>[number];

/**
 * The gateway's table: every path of every function, to its service. See: [Note: A backend is the ingress]
 *
 * [Note: Precedence at the gateway]
 * A literal path is an Exact match, which goes before everything, as literals do in the router. A path with parameters is a
 * regular expression over whole segments. How regular expressions rank against prefixes, and among each other, is left to each
 * gateway; so there is no prefix in the table, and no two expressions match the same path: where two would, the path that
 * belongs to the more literal of them is in the table as well, Exact. One entry alone overlaps with all others, `/.*`, the
 * shortest, for what is unknown.
 * Of the functions of one path one has no method in its match: it answers HEAD and OPTIONS too, and refuses what nobody takes.
 */
export function httpRoutes(manifests: readonly Manifest[]): HttpRoute[] {
  const entries = entriesOf(manifests.filter(isHttp));
  const groups = group(entries);
  const routes = [...groups]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([name, ofGroup]) => {
      const rules = rulesOf(ofGroup);
      const parts = Math.ceil(rules.length / mostRules);
      return Array.from({ length: parts }, (_, i) =>
        route(parts === 1 ? name : `${name}-${i + 1}`, rules.slice(i * mostRules, (i + 1) * mostRules)),
      );
    });
  const unknown = manifests.find(({ name }) => name === answersUnknown);
  if (unknown === undefined) throw new Error(`there is no ${answersUnknown} to answer what is unknown`);
  return [...routes, route('unknown', [rule(unknown, [{ path: { type: 'RegularExpression', value: '/.*' } }])])];
}

/** Lets the table lead to Knative's ingress, and nowhere else there. */
export const ingressGrant = (): ReferenceGrant => ({
  apiVersion: 'gateway.networking.k8s.io/v1beta1',
  kind: 'ReferenceGrant',
  metadata: {
    name: 'freeface',
    namespace: names.ingress.namespace,
    labels: { 'app.kubernetes.io/part-of': 'freeface' },
  },
  spec: {
    from: [{ group: 'gateway.networking.k8s.io', kind: 'HTTPRoute', namespace: names.namespace }],
    to: [{ group: '', kind: 'Service', name: names.ingress.name }],
  },
});

function entriesOf(manifests: readonly HttpManifest[]): Entry[] {
  const places = manifests.flatMap((manifest) =>
    [manifest.trigger.path, ...(manifest.trigger.aliases ?? [])].map((path) => ({ path: path as string, manifest })),
  );
  const paths = [...new Set(places.map(({ path }) => path))];
  const entries = paths.flatMap((path) => entriesOfPath(path, path, places));
  const shared = paths.flatMap((a) => paths.map((b) => overlap(a, b))).filter((each) => each !== undefined);
  const literal = new Map(shared.map(({ path, owner }) => [path, owner]));
  for (const path of paths) literal.delete(path);
  return [...entries, ...[...literal].flatMap(([path, owner]) => entriesOfPath(path, owner, places))];
}

function entriesOfPath(
  path: string,
  owner: string,
  places: readonly { path: string; manifest: HttpManifest }[],
): Entry[] {
  const takers = places.filter((place) => place.path === owner).map(({ manifest }) => manifest);
  const first = takers.find(({ trigger }) => trigger.method === 'GET') ?? takers[0]!;
  return takers.map((manifest) => ({
    path,
    method: manifest === first ? null : manifest.trigger.method,
    manifest,
    ...(probePaths.has(path) && { rewrite: manifest.trigger.path }),
  }));
}

/**
 * The path that both `a` and `b` match, and which of them has it in the router: the one that is literal where they first
 * differ. undefined: there is none. Throws when it still has a parameter, since no match of the table could say it.
 */
function overlap(a: string, b: string): { path: string; owner: string } | undefined {
  const [left, right] = [a.split('/'), b.split('/')];
  if (a >= b || left.length !== right.length || !a.includes('{') || !b.includes('{')) return undefined;
  const merged = left.map((segment, i) => (isParameter(segment) ? right[i]! : segment));
  if (merged.some((segment, i) => !isParameter(right[i]!) && right[i] !== segment)) return undefined;
  const differ = left.findIndex((segment, i) => isParameter(segment) !== isParameter(right[i]!));
  if (differ < 0) throw new Error(`${a} and ${b} are the same path`);
  const path = merged.join('/');
  if (path.includes('{')) throw new Error(`${a} and ${b} both match ${path}: a gateway cannot tell them apart`);
  return { path, owner: isParameter(left[differ]!) ? b : a };
}

const isParameter = (segment: string): boolean => segment.startsWith('{');

/** Entries of one function, method and rewriting are one rule. */
function rulesOf(entries: readonly Entry[]): Rule[] {
  const together = new Map<string, Entry[]>();
  for (const entry of entries) {
    const key = `${entry.manifest.name} ${entry.rewrite ?? ''}`;
    together.set(key, [...(together.get(key) ?? []), entry]);
  }
  return [...together.values()].map((alike) => rule(alike[0]!.manifest, alike.map(matchOf), alike[0]!.rewrite));
}

type Match = NonNullable<Rule['matches']>[number];

function matchOf({ path, method }: Entry): Match {
  const at: Match = path.includes('{')
    ? { path: { type: 'RegularExpression', value: expressionOf(path) } }
    : { path: { type: 'Exact', value: path } };
  return method === null ? at : { ...at, method };
}

/** Gateways hold an expression against the whole path. */
function expressionOf(path: string): string {
  return path
    .split('/')
    .map((segment) => (isParameter(segment) ? '[^/]+' : segment.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')))
    .join('/');
}

function rule({ name, timeoutSeconds }: Manifest, matches: Match[], rewrite?: string): Rule {
  return {
    matches,
    filters: [
      {
        type: 'URLRewrite',
        urlRewrite: {
          hostname: names.hostOf(name),
          ...(rewrite !== undefined && { path: { type: 'ReplaceFullPath', replaceFullPath: rewrite } }),
        },
      },
    ],
    backendRefs: [{ ...names.ingress, port: 80 }],
    timeouts: { request: `${timeoutSeconds + marginSeconds}s` },
  };
}

function route(name: string, rules: Rule[]): HttpRoute {
  return {
    apiVersion: 'gateway.networking.k8s.io/v1',
    kind: 'HTTPRoute',
    metadata: { name, namespace: names.namespace, labels: { 'app.kubernetes.io/part-of': 'freeface' } },
    spec: { parentRefs: [{ name: 'freeface' }], rules },
  };
}

/** The resource that a path is about; pages and probes together. */
const groupOf = (path: string): string => /^\/api\/v1\/(\w+)/.exec(path)?.[1]?.replaceAll('_', '-') ?? 'pages';

function group(entries: readonly Entry[]): Map<string, Entry[]> {
  const groups = new Map<string, Entry[]>();
  for (const entry of entries) groups.set(groupOf(entry.path), [...(groups.get(groupOf(entry.path)) ?? []), entry]);
  return groups;
}
