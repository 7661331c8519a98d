import type * as z from 'zod';
import { privateNetworks } from '../../../shared/domain/trusted-proxies.ts';
import type { Manifest } from '../../../shared/function/define.ts';
import type * as kubernetes from '../../manifests/kubernetes.ts';
import type { networkPolicy } from '../../manifests/kubernetes.ts';
import * as names from '../../manifests/names.ts';
import { type Store, storePorts } from './settings.ts';
import type { Comments } from './yaml.ts';

export type NetworkPolicy = z.input<typeof networkPolicy>;
type Spec = NetworkPolicy['spec'];

/** The service account of one function. It has no token and no rights, because functions do not call Kubernetes. */
export const serviceAccount = ({ name }: Pick<Manifest, 'name'>): z.input<typeof kubernetes.serviceAccount> => ({
  apiVersion: 'v1',
  kind: 'ServiceAccount',
  metadata: { name, namespace: names.namespace, labels: names.labelsOf(name) },
  automountServiceAccountToken: false,
});

export const tcp = (...ports: number[]) => ports.map((port) => ({ protocol: 'TCP' as const, port }));
/** Selects namespaces by the name label, which every namespace has. */
const namespaces = (...list: string[]) => [
  {
    namespaceSelector: {
      matchExpressions: [{ key: 'kubernetes.io/metadata.name', operator: 'In' as const, values: list }],
    },
  },
];
/** Namespaces of Knative's ingresses. A namespace that does not exist matches nothing. */
const ingresses = ['knative-serving', 'kourier-system', 'istio-system', 'istio-ingress', 'contour-internal'];
/** Ports of queue-proxy: requests over HTTP/1 and HTTP/2, health, and metrics of queue-proxy and of the user's container. */
const queueProxyPorts = tcp(8012, 8013, 8112, 8022, 9090, 9091);

/**
 * Network policies. Every connection to or from a function is denied, except those that a policy here allows. A pod's labels say
 * which stores it may reach; they are generated from the ports that the function's manifest declares.
 */
export function networkPolicies(): { object: NetworkPolicy; comments: Comments }[] {
  return [
    policy('default-deny', 'Denies every connection to and from a pod here, except those that another policy allows.', {
      podSelector: {},
      policyTypes: ['Ingress', 'Egress'],
    }),
    policy(
      'from-knative',
      "Requests come only through Knative's activator and ingress. This includes requests between functions.",
      {
        podSelector: {},
        policyTypes: ['Ingress'],
        ingress: [{ from: namespaces(...ingresses), ports: queueProxyPorts }],
      },
    ),
    policy('metrics', 'Lets a collector read metrics, if its namespace has the label.', {
      podSelector: {},
      policyTypes: ['Ingress'],
      ingress: [
        { from: [{ namespaceSelector: { matchLabels: { 'freeface/metrics': 'true' } } }], ports: tcp(9090, 9091) },
      ],
    }),
    policy('names', 'Lets pods look up names in DNS.', {
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
        `Lets the users of ${store} reach it, in the namespace with the label. For a store outside the cluster, an overlay sets its addresses.`,
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
      "Lets functions that process images call the extractor, through Knative's ingress.",
      reaching('extractor', [{ to: namespaces(...ingresses), ports: tcp(80, 8012, 8080, 8081) }]),
    ),
    policy(
      'to-outbox',
      "Lets functions that store events in the outbox wake their publisher, through Knative's ingress.",
      reaching('outbox', [{ to: namespaces(...ingresses), ports: tcp(80, 8012, 8080, 8081) }]),
    ),
    policy(
      'to-internet',
      'Lets functions send webhooks to public addresses only. The function also refuses other addresses.',
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
