import { stringify } from 'yaml';

/** The object in which an overlay names Knative's ingress. See: [Note: A backend is the ingress] */
const grant = { kind: 'ReferenceGrant', name: 'freeface' };

/** Returns parts of a kustomization. An overlay on top of ours uses them to lead every path through this ingress. */
export const throughIngress = ({ namespace, name }: { readonly namespace: string; readonly name: string }) => ({
  patches: [
    {
      target: grant,
      patch: stringify([
        { op: 'replace', path: '/metadata/namespace', value: namespace },
        { op: 'replace', path: '/spec/to/0/name', value: name },
      ]),
    },
  ],
  replacements: [
    ['metadata.namespace', 'namespace'],
    ['spec.to.0.name', 'name'],
  ].map(([fieldPath, field]) => ({
    source: { ...grant, fieldPath },
    targets: [{ select: { kind: 'HTTPRoute' }, fieldPaths: [`spec.rules.*.backendRefs.*.${field}`] }],
  })),
});
