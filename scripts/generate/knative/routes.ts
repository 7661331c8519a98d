import { type HttpManifest, isHttp, type Manifest } from '../../../shared/function/define.ts';
import type { HttpRoute, ReferenceGrant } from '../../manifests/gateway.ts';
import * as names from '../../manifests/names.ts';

/** The function that answers requests for unknown paths, in the API's own form. */
const unknownPathFunction = 'api-docs';
/** Paths that every function answers in its own process before its routes: probes and the metrics of the process. */
const probePaths = new Set(['/metrics', '/health/liveness', '/health/readiness']);
/** Margin in seconds. With it a function that takes too long sends its own error before the gateway does, even after a cold start. */
const marginSeconds = 30;
/** Maximum number of rules in one HTTPRoute, by Gateway API. */
const mostRules = 16;

interface Entry {
  readonly path: string;
  /** null: all methods that no other entry of the path has. */
  readonly method: HttpManifest['trigger']['method'] | null;
  readonly manifest: HttpManifest;
  /** The function's own path, if it differs from the public path. */
  readonly rewrite?: string;
}
type Rule = NonNullable<HttpRoute['spec']['rules']>[number];

/**
 * The gateway's table of paths: it leads every path of every function to the function's service.
 * See: [Note: A backend is the ingress]
 *
 * [Note: Precedence at the gateway]
 * A literal path is an Exact match. It has precedence over all other matches, as in the router. A path with parameters is a regular
 * expression of whole segments. Each gateway decides the precedence between regular expressions and prefixes, and among regular
 * expressions. So the table has no prefix, and no two expressions match the same path. If two expressions would match one path, the
 * table also has this path as an Exact match, for the function with the more literal path. Only one entry overlaps with all others:
 * `/.*` for unknown paths, the shortest expression.
 * If several functions share a path, the match of one of them has no method. This function also answers HEAD and OPTIONS, and refuses
 * methods that no function has.
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
  const unknown = manifests.find(({ name }) => name === unknownPathFunction);
  if (unknown === undefined)
    throw new Error(`there is no function ${unknownPathFunction} to answer requests for unknown paths`);
  return [...routes, route('unknown', [rule(unknown, [{ path: { type: 'RegularExpression', value: '/.*' } }])])];
}

/** Allows the routes to use Knative's ingress as their backend, and no other Service of its namespace. */
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
  const owners = places.filter((place) => place.path === owner).map(({ manifest }) => manifest);
  const first = owners.find(({ trigger }) => trigger.method === 'GET') ?? owners[0]!;
  return owners.map((manifest) => ({
    path,
    method: manifest === first ? null : manifest.trigger.method,
    manifest,
    ...(probePaths.has(path) && { rewrite: manifest.trigger.path }),
  }));
}

/**
 * Returns the path that both `a` and `b` match, and its owner in the router: the path that is literal at the first difference.
 * undefined: no path matches both. Throws an Error if the common path has a parameter, because no Exact match can express it.
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

/** Combines the entries that have the same function and the same rewrite into one rule. */
function rulesOf(entries: readonly Entry[]): Rule[] {
  const together = new Map<string, Entry[]>();
  for (const entry of entries) {
    const key = `${entry.manifest.name} ${entry.rewrite ?? ''}`;
    together.set(key, [...(together.get(key) ?? []), entry]);
  }
  return [...together.values()].map((sameRule) =>
    rule(sameRule[0]!.manifest, sameRule.map(matchOf), sameRule[0]!.rewrite),
  );
}

type Match = NonNullable<Rule['matches']>[number];

function matchOf({ path, method }: Entry): Match {
  const at: Match = path.includes('{')
    ? { path: { type: 'RegularExpression', value: expressionOf(path) } }
    : { path: { type: 'Exact', value: path } };
  return method === null ? at : { ...at, method };
}

/** Returns the regular expression of a path. Gateways match it with the whole path. */
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

/** Returns the resource of a path; `pages` for pages and probes. */
const groupOf = (path: string): string => /^\/api\/v1\/(\w+)/.exec(path)?.[1]?.replaceAll('_', '-') ?? 'pages';

function group(entries: readonly Entry[]): Map<string, Entry[]> {
  const groups = new Map<string, Entry[]>();
  for (const entry of entries) groups.set(groupOf(entry.path), [...(groups.get(groupOf(entry.path)) ?? []), entry]);
  return groups;
}
