import type { KubernetesObject, Problem } from '../check.ts';
import { at, isFunction, problem } from './fields.ts';

/** Checks that a policy selects pods and allows only what it names. */
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
  return selected ? [] : [problem(object, 'spec.podSelector', 'selects no pod of these manifests')];
}

/** Checks that a policy is not wider than intended: an empty selector or a missing list matches everything. */
function policyRules(object: KubernetesObject): Problem[] {
  const problems: Problem[] = [];
  for (const direction of ['ingress', 'egress'] as const) {
    const isUsed = ((at(object, ['spec', 'policyTypes']) ?? []) as string[]).includes(
      direction === 'ingress' ? 'Ingress' : 'Egress',
    );
    const rules = at(object, ['spec', direction]) as PolicyRule[] | undefined;
    if (isUsed && !rules?.length && object.metadata.name !== 'default-deny')
      problems.push(problem(object, `spec.${direction}`, 'is missing: the policy would allow nothing'));
    (rules ?? []).forEach((rule, i) => {
      const peers = direction === 'ingress' ? rule.from : rule.to;
      const named = peers?.length || (direction === 'egress' && rule.ports?.length);
      if (!named) problems.push(problem(object, `spec.${direction}[${i}]`, 'allows every peer: name peers'));
      if (!rule.ports?.length && (direction === 'ingress' || !peers?.length))
        problems.push(problem(object, `spec.${direction}[${i}].ports`, 'is missing: every port would be open'));
      for (const { protocol, port } of rule.ports ?? [])
        if (protocol === undefined || port === undefined)
          problems.push(problem(object, `spec.${direction}[${i}].ports`, 'each must have a protocol and a port'));
      for (const { namespaceSelector } of peers ?? [])
        if (namespaceSelector !== undefined && Object.keys(namespaceSelector).length === 0)
          problems.push(
            problem(object, `spec.${direction}[${i}]`, 'has an empty namespaceSelector, which matches every namespace'),
          );
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
