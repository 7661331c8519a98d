import { isDeepStrictEqual } from 'node:util';
import type { KubernetesObject, Problem } from '../check.ts';
import { findObject } from '../together.ts';
import { at, container, pod, problem } from './fields.ts';

/** Checks the variables of a pod, and the labels, Secrets and volumes that belong to them. `mustBe`: variables with a fixed value. */
export function checkEnvironment(
  object: KubernetesObject,
  objects: readonly KubernetesObject[],
  mustBe: Readonly<Record<string, string>>,
): Problem[] {
  const variables = variablesOf(object);
  return [
    ...reach(object, variables, mustBe),
    ...optionalSettings(object, variables),
    ...variableValues(object, variables, objects),
  ];
}

/** Variables of a pod's first container. */
export const variablesOf = (object: KubernetesObject): readonly Variable[] =>
  (at(object, [...container, 'env']) ?? []) as Variable[];

interface Variable {
  readonly name: string;
  readonly value?: string;
  readonly valueFrom?: { readonly configMapKeyRef?: { readonly name: string; readonly key: string } };
}

/** Checks that a pod has the address of a store or function exactly if its labels let it reach that store or function. */
function reach(
  object: KubernetesObject,
  variables: readonly Variable[],
  mustBe: Readonly<Record<string, string>>,
): Problem[] {
  const problems = Object.entries(mustBe)
    .filter(([name, value]) => variables.find((each) => each.name === name)?.value !== value)
    .map(([name, value]) => problem(object, `${container.join('.')}.env`, `${name} must be ${value}`));
  const labels = (at(object, ['spec', 'template', 'metadata', 'labels']) ?? {}) as Record<string, string>;
  for (const [name, target] of Object.entries(addresses)) {
    const isGiven = variables.some((each) => each.name === name);
    const mayReach = labels[`freeface/reaches-${target}`] === 'true';
    if (isGiven !== mayReach)
      problems.push(
        problem(
          object,
          `spec.template.metadata.labels.freeface/reaches-${target}`,
          `must be set exactly if the environment has ${name}`,
        ),
      );
  }
  return problems;
}

/** Variables with an address, and the part of the label that lets a pod reach it. */
const addresses: Readonly<Record<string, string>> = {
  SCYLLA_CONTACT_POINTS: 'scylla',
  MILVUS_ADDRESS: 'milvus',
  S3_ENDPOINT: 's3',
  KAFKA_BROKERS: 'kafka',
  DRAGONFLY_URL: 'dragonfly',
  FREEFACE_EXTRACTOR_URL: 'extractor',
  FREEFACE_OUTBOX_URL: 'outbox',
};
/** The targets above that are functions, not stores. */
const functionTargets = ['extractor', 'outbox'];

/** Checks that a pod gets the optional credentials of the stores it reaches, and the certificates, and no others. */
function optionalSettings(object: KubernetesObject, variables: readonly Variable[]): Problem[] {
  const stores = Object.entries(addresses)
    .filter(([name, target]) => !functionTargets.includes(target) && variables.some((each) => each.name === name))
    .map(([, target]) => target);
  const secrets = stores
    .filter((store) => store !== 's3')
    .map((store) => ({ secretRef: { name: `freeface-${store}`, optional: true } }));
  const hasStores = stores.length > 0;
  const volume = { name: 'ca', configMap: { name: 'freeface-ca', optional: true } };
  const mount = { name: 'ca', mountPath: '/etc/freeface', readOnly: true };
  const named = (path: readonly (string | number)[]) =>
    ((at(object, path) ?? []) as { name?: string }[]).filter(({ name }) => name === 'ca');
  return [
    {
      path: [...container, 'envFrom'],
      is: at(object, [...container, 'envFrom']) ?? [],
      wanted: [{ configMapRef: { name: 'freeface-settings', optional: true } }, ...secrets],
    },
    { path: [...pod, 'volumes'], is: named([...pod, 'volumes']), wanted: hasStores ? [volume] : [] },
    {
      path: [...container, 'volumeMounts'],
      is: named([...container, 'volumeMounts']),
      wanted: hasStores ? [mount] : [],
    },
  ]
    .filter(({ is, wanted }) => !isDeepStrictEqual(new Set(is as object[]), new Set<object>(wanted)))
    .map(({ path, wanted }) => problem(object, path.join('.'), `must be ${JSON.stringify(wanted)}`));
}

/** Checks that each variable has a value or names a key that exists. */
function variableValues(
  object: KubernetesObject,
  variables: readonly Variable[],
  objects: readonly KubernetesObject[],
): Problem[] {
  const problems: Problem[] = [];
  variables.forEach((variable, i) => {
    if (variable.value === undefined && variable.valueFrom === undefined)
      problems.push(problem(object, `${container.join('.')}.env[${i}]`, `${variable.name} has no value`));
    const ref = variable.valueFrom?.configMapKeyRef;
    if (ref === undefined) return;
    const map = findObject(objects, 'v1', { kind: 'ConfigMap', name: ref.name }, object);
    if (map !== undefined && (map as { data?: Record<string, string> }).data?.[ref.key] === undefined)
      problems.push(problem(object, `${container.join('.')}.env[${i}]`, `ConfigMap ${ref.name} has no ${ref.key}`));
  });
  return problems;
}
