import { createRequire } from 'node:module';
import type { KubernetesObject } from './check.ts';

/** Packages that carry validators made from the CRDs' published schemas, by the group's ending. */
const packages: readonly { readonly group: RegExp; readonly name: string }[] = [
  { group: /(^|\.)knative\.dev$/, name: '@kubernetes-models/knative' },
  { group: /^gateway\.networking\.k8s\.io$/, name: '@kubernetes-models/gateway-api' },
];

/**
 * What the published schema of the object's CRD says against it; undefined: nothing, null: no package has the kind. The
 * schemas know no unknown fields, and are older than the newest Knative: a second opinion, not the rule.
 */
export function publishedProblem(object: KubernetesObject): string | undefined | null {
  const [group = '', version] = object.apiVersion.split('/');
  const entry = packages.find((each) => each.group.test(group));
  if (entry === undefined) return null;
  const Model = modelOf(`${entry.name}/${group}/${version}/${object.kind}`, object.kind);
  if (Model === null) return null;
  try {
    new Model(object).validate();
    return undefined;
  } catch (error) {
    return String(error);
  }
}

type ModelClass = new (data: KubernetesObject) => { validate(): void };

function modelOf(path: string, kind: string): ModelClass | null {
  try {
    return (createRequire(import.meta.url)(path) as Record<string, ModelClass>)[kind] ?? null;
  } catch (error) {
    if ((error as { code?: string }).code === 'ERR_PACKAGE_PATH_NOT_EXPORTED') return null;
    throw error;
  }
}
