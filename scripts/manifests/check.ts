import { parseAllDocuments } from 'yaml';
import type * as z from 'zod';
import { kinds } from './kinds.ts';

/** A Kubernetes object. */
export interface KubernetesObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
  };
  readonly spec?: unknown;
}

export interface Problem {
  /** Kind and name of the object, for example `Service detect-faces`. */
  readonly where: string;
  /** Path to the field, for example `spec.template.spec.containers[0].image`. */
  readonly field: string;
  readonly message: string;
}

/** Files of kustomize. They are not objects of a cluster, so they are not checked. */
const skipped = new Set([
  'kustomize.config.k8s.io/v1beta1 Kustomization',
  'kustomize.config.k8s.io/v1alpha1 Component',
]);

/**
 * Parses the text of a file of manifests and checks each object alone: the form of its kind, unknown fields, and fields that
 * contradict each other. `objects` has only the objects without a problem.
 */
export function checkText(text: string): { objects: KubernetesObject[]; problems: Problem[] } {
  const objects: KubernetesObject[] = [];
  const problems: Problem[] = [];
  // Kubernetes reads YAML 1.1, in which `no` is false. It does not parse timestamps; they stay text.
  const documents = parseAllDocuments(text, {
    version: '1.1',
    customTags: (tags) => tags.filter((tag) => !(typeof tag === 'object' && tag.tag === 'tag:yaml.org,2002:timestamp')),
  });
  for (const [i, document] of [...documents].entries()) {
    const where = `document ${i + 1}`;
    for (const { message } of document.errors)
      problems.push({ where, field: 'YAML', message: message.split('\n')[0]! });
    if (document.errors.length > 0) continue;
    const value: unknown = document.toJS();
    if (value === null) continue;
    for (const object of itemsOf(value)) {
      const found = checkObject(object);
      problems.push(...found);
      if (found.length === 0) objects.push(object as KubernetesObject);
    }
  }
  return { objects, problems };
}

/** Checks one object alone. */
export function checkObject(value: unknown): Problem[] {
  const object = value as Partial<KubernetesObject> | null;
  if (typeof object !== 'object' || object === null || Array.isArray(object))
    return [{ where: 'document', field: 'kind', message: 'is missing: this is not a Kubernetes object' }];
  const { apiVersion, kind } = object;
  const where = `${kind ?? 'object'} ${object.metadata?.name ?? ''}`.trim();
  for (const [field, given] of Object.entries({ apiVersion, kind }))
    if (typeof given !== 'string') return [{ where, field, message: 'is missing' }];
  if (skipped.has(`${apiVersion} ${kind}`)) return [];
  const form = kinds.get(`${apiVersion} ${kind}`);
  if (form === undefined) return [{ where, ...unknownKind(apiVersion!, kind!) }];
  const parsed = form.safeParse(object);
  return parsed.success
    ? []
    : parsed.error.issues.flatMap((issue) => problemsOf(issue)).map((each) => ({ where, ...each }));
}

function itemsOf(value: unknown): unknown[] {
  const list = value as { kind?: unknown; apiVersion?: unknown; items?: unknown };
  return list.kind === 'List' && list.apiVersion === 'v1' && Array.isArray(list.items) ? list.items : [value];
}

function unknownKind(apiVersion: string, kind: string): Omit<Problem, 'where'> {
  const versions = [...kinds.keys()].filter((key) => key.endsWith(` ${kind}`)).map((key) => key.split(' ')[0]);
  return versions.length > 0
    ? { field: 'apiVersion', message: `${apiVersion} has no kind ${kind}; use ${versions.join(' or ')}` }
    : { field: 'kind', message: `${kind} of ${apiVersion} is unknown to this check` };
}

function problemsOf(issue: z.core.$ZodIssue): Omit<Problem, 'where'>[] {
  if (issue.code === 'unrecognized_keys')
    return issue.keys.map((key) => ({
      field: fieldPath([...issue.path, key]),
      message: 'is not a field of this kind',
    }));
  if (issue.code === 'invalid_key')
    return [{ field: fieldPath(issue.path), message: issue.issues[0]?.message ?? issue.message }];
  const missing = issue.code === 'invalid_type' && issue.message.endsWith('received undefined');
  return [{ field: fieldPath(issue.path), message: missing ? 'is missing' : issue.message }];
}

function fieldPath(path: readonly PropertyKey[]): string {
  const joined = path
    .map((part) =>
      typeof part === 'number'
        ? `[${part}]`
        : /^[A-Za-z]\w*$/.test(String(part))
          ? `.${String(part)}`
          : `["${String(part)}"]`,
    )
    .join('');
  return joined.replace(/^\./, '');
}

export const describe = ({ where, field, message }: Problem): string => `${where}: ${field}: ${message}`;
