import { BlockList, isIP, isIPv6 } from 'node:net';
import type { KubernetesObject, Problem } from './check.ts';
import { nameOf } from './together.ts';

/** Each store and its default port, by the variable with its address. */
const stores: Readonly<Record<string, { readonly store: string; readonly port: number }>> = {
  SCYLLA_CONTACT_POINTS: { store: 'scylla', port: 9042 },
  MILVUS_ADDRESS: { store: 'milvus', port: 19530 },
  S3_ENDPOINT: { store: 's3', port: 0 },
  KAFKA_BROKERS: { store: 'kafka', port: 9092 },
  DRAGONFLY_URL: { store: 'dragonfly', port: 6379 },
};
const schemePorts: Readonly<Record<string, number>> = { 'http:': 80, 'https:': 443 };

interface Block {
  readonly cidr: string;
  readonly except?: readonly string[];
}
interface Rule {
  readonly to?: readonly {
    readonly namespaceSelector?: { readonly matchLabels?: Readonly<Record<string, string>> };
    readonly ipBlock?: Block;
  }[];
  readonly ports?: readonly { readonly port?: number }[];
}

/**
 * Checks that the network policies allow connections to the stores' addresses in a ConfigMap. Otherwise packets are dropped, and a
 * function waits until its time-out.
 */
export function storesInReach(object: KubernetesObject, objects: readonly KubernetesObject[]): Problem[] {
  const { data = {} } = object as { data?: Readonly<Record<string, string>> };
  return Object.entries(stores).flatMap(([variable, { store, port }]) => {
    const policy = objects.find(
      ({ kind, metadata }) =>
        kind === 'NetworkPolicy' && metadata.name === `to-${store}` && metadata.namespace === object.metadata.namespace,
    );
    const { egress = [] } = (policy?.spec ?? {}) as { egress?: readonly Rule[] };
    return (data[variable] ?? '')
      .split(',')
      .filter((address) => address !== '' && policy !== undefined)
      .map((address) => new URL(address.includes('://') ? address : `store://${address}`))
      .map((url) => ({
        host: url.hostname.replace(/^\[|\]$/g, ''),
        port: Number(url.port) || (schemePorts[url.protocol] ?? port),
      }))
      .filter((place) => !egress.some((rule) => isAllowed(rule, place, store)))
      .map((place) => ({
        where: nameOf(object),
        field: `data.${variable}`,
        message: `the policy to-${store} allows no connection to ${place.host} at port ${place.port}`,
      }));
  });
}

function isAllowed(
  { to, ports }: Rule,
  { host, port }: { readonly host: string; readonly port: number },
  store: string,
): boolean {
  if (!ports?.some((each) => each.port === port)) return false;
  if (isIP(host) !== 0) return to?.some(({ ipBlock }) => ipBlock !== undefined && contains(ipBlock, host)) ?? false;
  // A name of two parts, a service and its namespace, is within the cluster. The addresses of any other name are not known here.
  return isOfCluster(host)
    ? (to?.some(({ namespaceSelector }) => namespaceSelector?.matchLabels?.[`freeface/${store}`] === 'true') ?? false)
    : (to?.some(({ ipBlock }) => ipBlock !== undefined) ?? false);
}

const isOfCluster = (host: string): boolean => /^[^.]+\.[^.]+(\.svc(\.cluster\.local)?)?$/.test(host);

function contains({ cidr, except = [] }: Block, host: string): boolean {
  const isWithin = (range: string) => {
    const [network = '', bits] = range.split('/');
    const list = new BlockList();
    list.addSubnet(network, Number(bits), familyOf(network));
    return list.check(host, familyOf(host));
  };
  return isWithin(cidr) && !except.some(isWithin);
}

const familyOf = (address: string): 'ipv4' | 'ipv6' => (isIPv6(address) ? 'ipv6' : 'ipv4');
