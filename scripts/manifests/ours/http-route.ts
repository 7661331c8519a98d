import { isDeepStrictEqual } from 'node:util';
import type { KubernetesObject, Problem } from '../check.ts';
import { findObject } from '../together.ts';
import { variablesOf } from './environment.ts';
import { at, container, problem } from './fields.ts';

/** Checks a part of the gateway's table of paths. */
export const checkHttpRoute = (object: KubernetesObject, objects: readonly KubernetesObject[]): Problem[] => [
  ...routes(object, objects),
  ...matchesTwice(object, objects),
];

/** Knative's ingress finds a function only by the host. With a wrong host it answers 404. */
function routes(object: KubernetesObject, objects: readonly KubernetesObject[]): Problem[] {
  const problems: Problem[] = [];
  const parents = (at(object, ['spec', 'parentRefs']) ?? []) as { name: string }[];
  for (const { name } of parents) {
    const gateway = findObject(objects, 'gateway.networking.k8s.io/', { kind: 'Gateway', name }, object);
    if (gateway === undefined && objects.some(({ kind }) => kind === 'Gateway'))
      problems.push(problem(object, 'spec.parentRefs', `there is no Gateway ${name}`));
  }
  ((at(object, ['spec', 'rules']) ?? []) as Rule[]).forEach((rule, i) => {
    const field = `spec.rules[${i}]`;
    if (!rule.matches?.length)
      problems.push(problem(object, `${field}.matches`, 'is missing: the rule would match every request'));
    for (const [j, { path }] of (rule.matches ?? []).entries())
      if (path?.type === undefined || path.value === undefined)
        problems.push(
          problem(object, `${field}.matches[${j}].path`, 'must have type and value: the default matches every path'),
        );
    if (rule.timeouts?.request === undefined)
      problems.push(problem(object, `${field}.timeouts.request`, 'is missing: gateways have different defaults'));
    const host = rule.filters?.map(({ urlRewrite }) => urlRewrite?.hostname).find((each) => each !== undefined);
    const name = host?.split('.')[0];
    const target = findObject(objects, 'serving.knative.dev/', { kind: 'Service', name: String(name) }, object);
    const wanted = `${name}.${object.metadata.namespace}.svc.cluster.local`;
    if (target === undefined || host !== wanted)
      problems.push(problem(object, `${field}.filters`, `must rewrite the host to that of a function, not to ${host}`));
    else if (!variablesOf(target).some((each) => each.name === proxies))
      problems.push(
        problem(target, `${container.join('.')}.env`, `${proxies} is missing: all callers would count as one`),
      );
    problems.push(...backends(object, objects, rule.backendRefs ?? [], `${field}.backendRefs`));
  });
  return problems;
}

interface Rule {
  readonly matches?: readonly {
    readonly path?: { readonly type?: string; readonly value?: string };
    readonly method?: string;
  }[];
  readonly timeouts?: { readonly request?: string };
  readonly filters?: readonly { readonly urlRewrite?: { readonly hostname?: string } }[];
  readonly backendRefs?: readonly Backend[];
}

interface Backend {
  readonly name: string;
  readonly namespace?: string;
  readonly port?: number;
}

/** With this setting a function finds the caller's address behind the gateway and Knative's proxies. */
const proxies = 'FREEFACE_TRUSTED_PROXIES';

/**
 * Checks that there is one backend, Knative's ingress, and that a ReferenceGrant in its namespace allows it.
 * See: [Note: A backend is the ingress]
 */
function backends(
  object: KubernetesObject,
  objects: readonly KubernetesObject[],
  list: readonly Backend[],
  field: string,
): Problem[] {
  const [backend, more] = list;
  if (backend === undefined || more !== undefined) return [problem(object, field, 'must have one entry: the ingress')];
  const { name, namespace = object.metadata.namespace } = backend;
  if (findObject(objects, 'serving.knative.dev/', { ...backend, kind: 'Service' }, object) !== undefined)
    return [problem(object, field, `${name} is an ExternalName, which gateways refuse`)];
  const grant = objects.find(
    (each) =>
      each.kind === 'ReferenceGrant' &&
      each.metadata.namespace === namespace &&
      isDeepStrictEqual(at(each, ['spec', 'from']), [
        { group: 'gateway.networking.k8s.io', kind: 'HTTPRoute', namespace: object.metadata.namespace },
      ]) &&
      isDeepStrictEqual(at(each, ['spec', 'to']), [{ group: '', kind: 'Service', name }]),
  );
  return grant === undefined
    ? [problem(object, field, `no ReferenceGrant in ${namespace} allows routes to ${name} only`)]
    : [];
}

/** Checks that no match is given twice. A gateway would use the older one. */
function matchesTwice(object: KubernetesObject, objects: readonly KubernetesObject[]): Problem[] {
  const rulesOf = (each: KubernetesObject) => (at(each, ['spec', 'rules']) ?? []) as Rule[];
  const keysOf = (each: KubernetesObject) =>
    rulesOf(each).flatMap(({ matches = [] }) =>
      matches.map(({ path, method = 'any method' }) => `${method} ${path?.value}`),
    );
  const all = objects.filter(({ kind }) => kind === 'HTTPRoute').flatMap(keysOf);
  return keysOf(object)
    .filter((key) => all.indexOf(key) !== all.lastIndexOf(key))
    .map((key) => problem(object, 'spec.rules', `${key} is matched twice`));
}
