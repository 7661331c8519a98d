import * as z from 'zod';

/** Forms of fields that many kinds share. Names and labels have Kubernetes' own syntax (RFC 1123). */

const label = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;
const subdomain = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;

export const integer = (minimum: number, maximum = Number.MAX_SAFE_INTEGER) => z.int().min(minimum).max(maximum);
export const mostInt32 = 2 ** 31 - 1;
export const port = integer(1, 65535);
export const portOrName = z.union([port, z.string().regex(/^[a-z0-9-]{1,15}$/)], {
  error: 'must be a port or the name of a port',
});
export const dnsLabel = z.string().regex(label, 'must be a DNS label: lower-case letters, digits, -');
export const dnsName = z.string().max(253).regex(subdomain, 'must be a DNS name in lower case');
/** A host with at least one dot. */
export const domain = dnsName.regex(/\./, 'must be a fully qualified domain name');
export const nonEmpty = z.string().min(1);
export const absolutePath = z.string().regex(/^\//, 'must start with /');
export const absoluteUri = z.url({ error: 'must be a URL' });

const qualified = /^([a-z0-9]([-a-z0-9.]*[a-z0-9])?\/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/;
export const qualifiedName = z.string().regex(qualified, 'must be a name such as app or example.com/app');
export const labelValue = z
  .string()
  .max(63)
  .regex(/^([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)?$/, 'must be a label value: letters, digits, - _ .');

/** Domains whose labels tools read, and the names that each domain allows. No tool reads a mistyped label. */
const readLabels: Readonly<Record<string, RegExp>> = {
  'app.kubernetes.io': /^(name|instance|version|component|part-of|managed-by|created-by)$/,
  'pod-security.kubernetes.io': /^(enforce|audit|warn)(-version)?$/,
};

export const labels = z.record(qualifiedName, labelValue).superRefine((value, context) => {
  for (const name of Object.keys(value)) {
    const [domain = '', own = ''] = name.split('/');
    if (readLabels[domain]?.test(own) === false) refuse(context, [name], `is not a label of ${domain}`);
  }
});
export const annotations = z.record(qualifiedName, z.string());

export const metadata = z.strictObject({
  name: dnsName,
  namespace: dnsLabel.optional(),
  labels: labels.optional(),
  annotations: annotations.optional(),
  finalizers: z.array(nonEmpty).optional(),
});

/** Metadata of kinds whose name becomes a host name. */
export const serviceMetadata = metadata.extend({
  name: z.string().regex(/^[a-z]([-a-z0-9]{0,61}[a-z0-9])?$/, 'must be a DNS label that starts with a letter'),
});

const quantityForm = /^[+]?(\d+(\.\d*)?|\.\d+)(Ki|Mi|Gi|Ti|Pi|Ei|[numkMGTPE]|[eE][+-]?\d+)?$/;
/** Kubernetes quantity, for example `100m`, `128Mi` or `2`. */
export const quantity = z.union(
  [z.string().regex(quantityForm, 'must be a quantity such as 100m or 128Mi'), z.number().min(0)],
  {
    error: 'must be a quantity such as 100m, 128Mi or 2',
  },
);

const scales: Readonly<Record<string, number>> = {
  n: 1e-9,
  u: 1e-6,
  m: 1e-3,
  '': 1,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  P: 1e15,
  E: 1e18,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
  Pi: 2 ** 50,
  Ei: 2 ** 60,
};

/** Returns the number that a quantity means; NaN if the text is not a quantity. */
export function amount(value: string | number): number {
  const [, digits, suffix = ''] = /^([+]?[\d.]+(?:[eE][+-]?\d+)?)([A-Za-z]*)$/.exec(String(value)) ?? [];
  return Number(digits) * (scales[suffix] ?? Number.NaN);
}

/** Returns the number of network threads for a request of `cpu` processors: a whole number, at least 1. */
export const threadsOf = (cpu: string | number): number => Math.max(1, Math.floor(amount(cpu)));

const isoForm = /^P(?=\d|T\d)(\d+Y)?(\d+M)?(\d+W)?(\d+D)?(T(?=\d)(\d+H)?(\d+M)?(\d+([.,]\d+)?S)?)?$/;
/** ISO 8601 duration, for example `PT0.5S`. */
export const isoDuration = z.string().regex(isoForm, 'must be an ISO 8601 duration such as PT0.5S');

/** Returns an ISO 8601 duration in seconds; NaN if the text is not a duration. Counts a year as 365 days, a month as 30. */
export function isoSeconds(text: string): number {
  if (!isoForm.test(text)) return Number.NaN;
  const [date = '', time = ''] = text.slice(1).split('T');
  const part = (of: string, letter: string) =>
    Number(new RegExp(`([\\d.,]+)${letter}`).exec(of)?.[1]?.replace(',', '.') ?? 0);
  const days = part(date, 'Y') * 365 + part(date, 'M') * 30 + part(date, 'W') * 7 + part(date, 'D');
  return days * 86_400 + part(time, 'H') * 3600 + part(time, 'M') * 60 + part(time, 'S');
}

/** Returns a Go duration in seconds; NaN if the text is not a duration. Knative's annotations use this form: `30s`, `1m30s`. */
export function goSeconds(text: string): number {
  if (text === '0') return 0;
  if (!/^(\d+(\.\d+)?(ns|us|µs|ms|s|m|h))+$/.test(text)) return Number.NaN;
  const units: Readonly<Record<string, number>> = { ns: 1e-9, us: 1e-6, µs: 1e-6, ms: 1e-3, s: 1, m: 60, h: 3600 };
  return [...text.matchAll(/([\d.]+)(ns|us|µs|ms|s|m|h)/g)].reduce(
    (sum, [, n, unit]) => sum + Number(n) * units[unit!]!,
    0,
  );
}

/** Kinds that have an address, by group. A reference to another kind of these groups is a mistake. */
const addressable: Readonly<Record<string, readonly string[]>> = {
  'serving.knative.dev': ['Service', 'Route'],
  'eventing.knative.dev': ['Broker', 'KafkaSink', 'EventTransform', 'RequestReply'],
  'messaging.knative.dev': ['Channel', 'InMemoryChannel', 'KafkaChannel', 'NatssChannel', 'NatsJetStreamChannel'],
  'flows.knative.dev': ['Sequence', 'Parallel'],
  'sinks.knative.dev': ['JobSink', 'IntegrationSink'],
};

const apiVersion = z
  .string()
  .regex(/^([a-z0-9]([-a-z0-9.]*[a-z0-9])?\/)?v\d+((alpha|beta)\d+)?$/, 'must be group/version');
const kindName = z.string().regex(/^[A-Z][A-Za-z0-9]*$/, 'must be a kind such as Service');

/** Reference to an object that has an address. */
export const addressRef = z
  .strictObject({
    apiVersion: apiVersion.optional(),
    group: dnsName.optional(),
    kind: kindName,
    name: dnsName,
    namespace: dnsLabel.optional(),
    address: z.string().optional(),
  })
  .superRefine((ref, context) => {
    if (ref.apiVersion === undefined && ref.group === undefined) refuse(context, ['apiVersion'], 'is missing');
    const known = addressable[ref.group ?? ref.apiVersion?.split('/')[0] ?? ''];
    if (known?.includes(ref.kind) === false) refuse(context, ['kind'], `must be one of ${known.join(', ')}`);
  });

/** Reference to any object. */
export const objectRef = z.strictObject({
  apiVersion,
  kind: kindName,
  name: dnsName,
  namespace: dnsLabel.optional(),
});

/** Adds a problem at `path`. */
export const refuse = (context: z.RefinementCtx, path: readonly (string | number)[], message: string): void =>
  context.addIssue({ code: 'custom', path: [...path], message });

/** Returns the names of those `fields` that `value` has. */
export const given = <Name extends string>(value: Partial<Record<Name, unknown>>, fields: readonly Name[]): Name[] =>
  fields.filter((field) => value[field] !== undefined);

/** Adds a problem unless exactly one of `fields` is given. */
export function exactlyOne<Name extends string>(
  value: Partial<Record<Name, unknown>>,
  context: z.RefinementCtx,
  fields: readonly Name[],
): void {
  const found = given(value, fields);
  if (found.length === 0) refuse(context, [], `needs one of ${fields.join(', ')}`);
  if (found.length > 1) refuse(context, [found[1]!], `must not be given together with ${found[0]}`);
}
