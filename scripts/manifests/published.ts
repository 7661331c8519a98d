import { createRequire } from 'node:module';
import type { KubernetesObject } from './check.ts';

/** Packages with validators that were generated from the published CRD schemas, by the API group. */
const packages: readonly { readonly group: RegExp; readonly name: string }[] = [
  { group: /(^|\.)knative\.dev$/, name: '@kubernetes-models/knative' },
  { group: /^gateway\.networking\.k8s\.io$/, name: '@kubernetes-models/gateway-api' },
];

/**
 * Returns the error of the published CRD schema for this object; undefined if there is none, null if no package has the kind.
 * These schemas accept unknown fields and are older than the newest Knative, so they are only a second check.
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
