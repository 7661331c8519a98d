export interface Route<Target> {
  readonly method: string;
  /** A segment in braces is a parameter. */
  readonly path: string;
  readonly target: Target;
}

export type RouteMatch<Target> =
  | { readonly kind: 'found'; readonly target: Target; readonly params: Record<string, string> }
  | { readonly kind: 'method-not-allowed'; readonly allowed: readonly string[] }
  | { readonly kind: 'not-found' };

interface Node<Target> {
  readonly literal: Map<string, Node<Target>>;
  parameter: Node<Target> | undefined;
  readonly targets: Map<string, { target: Target; names: readonly string[] }>;
}

/**
 * Creates a router for the paths of the manifests. A literal segment takes precedence over a parameter. HEAD goes to the target of GET.
 * Throws when two routes have the same method and path.
 */
export function createRouter<Target>(
  routes: readonly Route<Target>[],
): (method: string, path: string) => RouteMatch<Target> {
  const root = emptyNode<Target>();
  for (const route of routes) insert(root, route);
  return (method, path) => {
    const segments = path.slice(1).split('/');
    const found = find(root, segments, 0, []);
    if (found === undefined) return { kind: 'not-found' };
    const entry = found.node.targets.get(method) ?? (method === 'HEAD' ? found.node.targets.get('GET') : undefined);
    if (entry === undefined) return { kind: 'method-not-allowed', allowed: allowedMethods(found.node) };
    return {
      kind: 'found',
      target: entry.target,
      params: Object.fromEntries(entry.names.map((name, i) => [name, found.values[i]!])),
    };
  };
}

function insert<Target>(root: Node<Target>, { method, path, target }: Route<Target>): void {
  const names: string[] = [];
  let node = root;
  for (const segment of path.slice(1).split('/')) {
    const parameter = /^\{(\w+)\}$/.exec(segment);
    if (parameter === null) {
      const next = node.literal.get(segment) ?? emptyNode<Target>();
      node.literal.set(segment, next);
      node = next;
    } else {
      names.push(parameter[1]!);
      node.parameter ??= emptyNode<Target>();
      node = node.parameter;
    }
  }
  if (node.targets.has(method)) throw new Error(`two functions claim ${method} ${path}`);
  node.targets.set(method, { target, names });
}

function find<Target>(
  node: Node<Target>,
  segments: readonly string[],
  index: number,
  values: readonly string[],
): { node: Node<Target>; values: readonly string[] } | undefined {
  if (index === segments.length) return node.targets.size > 0 ? { node, values } : undefined;
  const segment = segments[index]!;
  const literal = node.literal.get(segment);
  const byLiteral = literal && find(literal, segments, index + 1, values);
  if (byLiteral !== undefined) return byLiteral;
  const value = decode(segment);
  if (node.parameter === undefined || value === undefined || value === '') return undefined;
  return find(node.parameter, segments, index + 1, [...values, value]);
}

function decode(segment: string): string | undefined {
  try {
    return decodeURIComponent(segment);
  } catch {
    return undefined;
  }
}

function allowedMethods<Target>(node: Node<Target>): string[] {
  const methods = [...node.targets.keys()];
  return (methods.includes('GET') ? [...methods, 'HEAD'] : methods).sort();
}

const emptyNode = <Target>(): Node<Target> => ({ literal: new Map(), parameter: undefined, targets: new Map() });
