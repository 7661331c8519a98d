import { BlockList, isIP, isIPv6 } from 'node:net';

/**
 * The trusted proxies in front of this server: their number, or their addresses.
 *
 * [Note: Trust by address]
 * In a cluster, a request passes the gateway, Knative's ingress, the activator (only if an instance must start) and the queue-proxy of
 * the pod. So the number of proxies that add to `X-Forwarded-For` is not constant. All these proxies have private addresses. With
 * `private`, the server therefore trusts every private address in the header, and the last address that is not private is the caller.
 * A caller with a private address could fake another address. If there are such callers, list only the networks of the cluster.
 */
export type TrustedProxies = number | BlockList;

/** The networks that `private` means; they contain no public address. */
export const privateNetworks = [
  '10.0.0.0/8',
  '100.64.0.0/10',
  '127.0.0.0/8',
  '169.254.0.0/16',
  '172.16.0.0/12',
  '192.168.0.0/16',
  '::1/128',
  'fc00::/7',
  'fe80::/10',
];

/** `text`: a number up to 10, or addresses, networks and `private`, separated by commas. Returns null for any other text. */
export function trustedProxiesOf(text: string): TrustedProxies | null {
  if (/^\d+$/.test(text)) return Number(text) <= 10 ? Number(text) : null;
  const trusted = new BlockList();
  for (const network of text.split(',').flatMap((entry) => (entry === 'private' ? privateNetworks : entry))) {
    const [address = '', length, more] = network.split('/');
    const bits = isIPv6(address) ? 128 : 32;
    const prefix = length === undefined ? bits : /^\d+$/.test(length) ? Number(length) : Number.NaN;
    if (isIP(address) === 0 || more !== undefined || !(prefix <= bits)) return null;
    trusted.addSubnet(address, prefix, familyOf(address));
  }
  return trusted;
}

export const familyOf = (address: string): 'ipv4' | 'ipv6' => (isIPv6(address) ? 'ipv6' : 'ipv4');
