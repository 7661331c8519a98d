import type * as z from 'zod';
import { privateNetworks } from '../../../shared/http/client-address.ts';
import type { Manifest } from '../../../shared/runtime/define.ts';
import type * as kubernetes from '../../manifests/kubernetes.ts';
import type { networkPolicy } from '../../manifests/kubernetes.ts';
import * as names from '../../manifests/names.ts';
import { type Store, storePorts } from './settings.ts';
import type { Comments } from './yaml.ts';

export type NetworkPolicy = z.input<typeof networkPolicy>;
type Spec = NetworkPolicy['spec'];

/** An account of its own for each function, with no token and no right: none of them talks to Kubernetes. */
export const serviceAccount = ({ name }: Pick<Manifest, 'name'>): z.input<typeof kubernetes.serviceAccount> => ({
  apiVersion: 'v1',
  kind: 'ServiceAccount',
  metadata: { name, namespace: names.namespace, labels: names.labelsOf(name) },
  automountServiceAccountToken: false,
});

export const tcp = (...ports: number[]) => ports.map((port) => ({ protocol: 'TCP' as const, port }));
/** Namespaces by the label that every namespace has. */
const namespaces = (...list: string[]) => [
  {
    namespaceSelector: {
      matchExpressions: [{ key: 'kubernetes.io/metadata.name', operator: 'In' as const, values: list }],
    },
  },
];
/** Namespaces of Knative's ingresses; those that are not there match nothing. */
const ingresses = ['knative-serving', 'kourier-system', 'istio-system', 'istio-ingress', 'contour-internal'];
/** queue-proxy: requests over HTTP/1 and HTTP/2, its health, and metrics of it and of the user's container. */
const queueProxyPorts = tcp(8012, 8013, 8112, 8022, 9090, 9091);

/**
 * Nothing may talk to a function or be talked to by it, but for what follows. Which stores a pod may reach is told by labels
 * on it, which are made of the ports that its manifest declares.
 */
export function networkPolicies(): { object: NetworkPolicy; comments: Comments }[] {
  return [
    policy('default-deny', 'Nobody may talk to a pod here, nor a pod to anybody, but for what the others allow.', {
      podSelector: {},
      policyTypes: ['Ingress', 'Egress'],
    }),
    policy(
      'from-knative',
      "Requests come through Knative's activator and ingress alone, also those between functions.",
      {
        podSelector: {},
        policyTypes: ['Ingress'],
        ingress: [{ from: namespaces(...ingresses), ports: queueProxyPorts }],
      },
    ),
    policy('metrics', 'A collector of metrics reads them, where its namespace says that it is one.', {
      podSelector: {},
      policyTypes: ['Ingress'],
      ingress: [
        { from: [{ namespaceSelector: { matchLabels: { 'freeface/metrics': 'true' } } }], ports: tcp(9090, 9091) },
      ],
    }),
    policy('names', 'Names are looked up.', {
      podSelector: {},
      policyTypes: ['Egress'],
      egress: [
        {
          to: namespaces('kube-system'),
          ports: [
            { protocol: 'UDP', port: 53 },
            { protocol: 'TCP', port: 53 },
          ],
        },
      ],
    }),
    ...(Object.keys(storePorts) as Store[]).map((store) =>
      policy(
        `to-${store}`,
        `Who uses ${store}; its namespace carries the label. For one outside the cluster an overlay puts its addresses here.`,
        reaching(store, [
          {
            to: [{ namespaceSelector: { matchLabels: { [`freeface/${store}`]: 'true' } } }],
            ports: tcp(storePorts[store]),
          },
        ]),
      ),
    ),
    policy(
      'to-extractor',
      "Who has images looked at asks the extractor, through Knative's ingress.",
      reaching('extractor', [{ to: namespaces(...ingresses), ports: tcp(80, 8012, 8080, 8081) }]),
    ),
    policy(
      'to-outbox',
      "Who writes events with his rows wakes who publishes them, through Knative's ingress.",
      reaching('outbox', [{ to: namespaces(...ingresses), ports: tcp(80, 8012, 8080, 8081) }]),
    ),
    policy(
      'to-internet',
      'Webhooks are sent to public addresses only; the function itself refuses all others too.',
      reaching('internet', [
        {
          to: [
            {
              ipBlock: {
                cidr: '0.0.0.0/0',
                except: ['0.0.0.0/8', ...privateNetworks.filter((network) => network.includes('.'))],
              },
            },
            { ipBlock: { cidr: '2000::/3' } },
          ],
        },
      ]),
    ),
  ];
}

export const reaching = (target: string, egress: NonNullable<Spec['egress']>): Spec => ({
  podSelector: { matchLabels: { [`freeface/reaches-${target}`]: 'true' } },
  policyTypes: ['Egress'],
  egress,
});

export function policy(name: string, text: string, spec: Spec): { object: NetworkPolicy; comments: Comments } {
  return {
    object: {
      apiVersion: 'networking.k8s.io/v1',
      kind: 'NetworkPolicy',
      metadata: {
        name,
        namespace: names.namespace,
        labels: { 'app.kubernetes.io/part-of': 'freeface', ...names.foundation },
      },
      spec,
    },
    comments: [{ path: ['apiVersion'], text }],
  };
}
