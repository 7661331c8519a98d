import * as z from 'zod';
import { autoscalingValue, checkAnnotations } from './annotations.ts';
import * as f from './forms.ts';
import { revisionSpec } from './pod.ts';

/** Kinds of serving.knative.dev. */

const object = z.strictObject;

const templateMetadata = object({
  name: f.dnsName.optional(),
  namespace: f.dnsLabel.optional(),
  labels: f.labels.optional(),
  annotations: f.annotations.optional(),
  finalizers: z.array(f.nonEmpty).optional(),
});

const template = object({ metadata: templateMetadata.optional(), spec: revisionSpec }).superRefine(
  ({ metadata }, context) => {
    const annotations = metadata?.annotations ?? {};
    const path = ['metadata', 'annotations'];
    checkAnnotations(annotations, 'revision', path, context);
    const value = (name: string) => autoscalingValue(annotations, name);
    const most = Number(value('max-scale') ?? 0);
    for (const name of ['min-scale', 'initial-scale', 'activation-scale']) {
      if (most > 0 && Number(value(name) ?? 0) > most)
        f.refuse(
          context,
          [...path, `autoscaling.knative.dev/${name}`],
          `${value(name)} is more than max-scale ${most}`,
        );
    }
    const metric = value('metric');
    const horizontal = value('class') === 'hpa.autoscaling.knative.dev';
    if ((metric === 'cpu' || metric === 'memory') && !horizontal)
      f.refuse(
        context,
        [...path, 'autoscaling.knative.dev/metric'],
        `${metric} needs the class hpa.autoscaling.knative.dev`,
      );
  },
);

const traffic = z
  .array(
    object({
      configurationName: f.dnsName.optional(),
      revisionName: f.dnsName.optional(),
      latestRevision: z.boolean().optional(),
      percent: f.integer(0, 100).optional(),
      tag: f.dnsLabel.optional(),
      url: f.absoluteUri.optional(),
    }).superRefine(({ revisionName, latestRevision }, context) => {
      if (revisionName !== undefined && latestRevision === true)
        f.refuse(context, ['latestRevision'], 'must not be true together with revisionName');
    }),
  )
  .superRefine((targets, context) => {
    const sum = targets.reduce((total, { percent = 0 }) => total + percent, 0);
    if (targets.length > 0 && sum !== 100) f.refuse(context, [], `the sum of percent is ${sum}, not 100`);
    targets.forEach(({ tag }, i) => {
      if (tag !== undefined && targets.findIndex((other) => other.tag === tag) !== i)
        f.refuse(context, [i, 'tag'], `${tag} is given twice`);
    });
  });

/** Metadata whose annotations and labels Knative reads. */
const readMetadata = f.serviceMetadata.superRefine(({ annotations, labels }, context) => {
  checkAnnotations(annotations, 'object', ['annotations'], context);
  checkVisibility(labels, ['labels'], context);
});

function checkVisibility(
  labels: Readonly<Record<string, string>> | undefined,
  path: readonly string[],
  context: z.RefinementCtx,
): void {
  const value = labels?.['networking.knative.dev/visibility'];
  if (value !== undefined && value !== 'cluster-local')
    f.refuse(context, [...path, 'networking.knative.dev/visibility'], 'must be cluster-local');
}

export const service = object({
  apiVersion: z.literal('serving.knative.dev/v1'),
  kind: z.literal('Service'),
  metadata: readMetadata,
  spec: object({ template, traffic: traffic.optional() }),
}).superRefine(({ metadata, spec }, context) => {
  const revision = spec.template.metadata?.name;
  if (revision !== undefined && !revision.startsWith(`${metadata.name}-`))
    f.refuse(context, ['spec', 'template', 'metadata', 'name'], `must start with ${metadata.name}-`);
});

export const configuration = object({
  apiVersion: z.literal('serving.knative.dev/v1'),
  kind: z.literal('Configuration'),
  metadata: readMetadata,
  spec: object({ template }),
});

export const route = object({
  apiVersion: z.literal('serving.knative.dev/v1'),
  kind: z.literal('Route'),
  metadata: readMetadata,
  spec: object({ traffic }),
});

export const domainMapping = object({
  apiVersion: z.literal('serving.knative.dev/v1beta1'),
  kind: z.literal('DomainMapping'),
  metadata: f.metadata
    .extend({
      name: f.domain.refine((name) => !name.endsWith('.svc.cluster.local'), 'is a domain of the cluster itself'),
    })
    .superRefine(({ annotations }, context) => checkAnnotations(annotations, 'object', ['annotations'], context)),
  spec: object({
    ref: f.addressRef,
    tls: object({ secretName: f.dnsName }).optional(),
  }),
});

export type KnativeService = z.input<typeof service>;
