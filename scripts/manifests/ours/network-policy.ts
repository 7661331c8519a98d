import type { KubernetesObject, Problem } from '../check.ts';
import { at, isFunction, problem } from './fields.ts';

export const checkNetworkPolicy = (object: KubernetesObject, objects: readonly KubernetesObject[]): Problem[] => [
  ...policySelects(object, objects),
  ...policyRules(object),
];

function policySelects(object: KubernetesObject, objects: readonly KubernetesObject[]): Problem[] {
  const wanted = Object.entries((at(object, ['spec', 'podSelector', 'matchLabels']) ?? {}) as Record<string, string>);
  if (wanted.length === 0) return [];
  const labelsOf = (each: KubernetesObject) =>
    (at(each, ['spec', 'template', 'metadata', 'labels']) ?? {}) as Record<string, string>;
  const selected = objects.some(
    (each) =>
      (isFunction(each) || each.kind === 'Job') && wanted.every(([key, value]) => labelsOf(each)[key] === value),
  );
  return selected ? [] : [problem(object, 'spec.podSelector', 'selects no pod of ours')];
}

/** An empty selector means everybody, a missing list everything: neither may come about by a slip. */
function policyRules(object: KubernetesObject): Problem[] {
  const problems: Problem[] = [];
  for (const way of ['ingress', 'egress'] as const) {
    const isWay = ((at(object, ['spec', 'policyTypes']) ?? []) as string[]).includes(
      way === 'ingress' ? 'Ingress' : 'Egress',
    );
    const rules = at(object, ['spec', way]) as PolicyRule[] | undefined;
    if (isWay && !rules?.length && object.metadata.name !== 'default-deny')
      problems.push(problem(object, `spec.${way}`, 'is missing: nothing would be allowed'));
    (rules ?? []).forEach((rule, i) => {
      const peers = way === 'ingress' ? rule.from : rule.to;
      const named = peers?.length || (way === 'egress' && rule.ports?.length);
      if (!named) problems.push(problem(object, `spec.${way}[${i}]`, 'is for everybody'));
      if (!rule.ports?.length && (way === 'ingress' || !peers?.length))
        problems.push(problem(object, `spec.${way}[${i}].ports`, 'is missing: every port would be open'));
      for (const { protocol, port } of rule.ports ?? [])
        if (protocol === undefined || port === undefined)
          problems.push(problem(object, `spec.${way}[${i}].ports`, 'must have a protocol and a port each'));
      for (const { namespaceSelector } of peers ?? [])
        if (namespaceSelector !== undefined && Object.keys(namespaceSelector).length === 0)
          problems.push(problem(object, `spec.${way}[${i}]`, 'an empty selector means every namespace'));
    });
  }
  return problems;
}

interface PolicyRule {
  readonly from?: readonly Peer[];
  readonly to?: readonly Peer[];
  readonly ports?: readonly { readonly protocol?: string; readonly port?: number }[];
}

interface Peer {
  readonly namespaceSelector?: object;
}
