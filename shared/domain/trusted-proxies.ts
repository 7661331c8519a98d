import { BlockList, isIP, isIPv6 } from 'node:net';

/**
 * Proxies in front: how many, or the addresses that they have.
 *
 * [Note: Trust by address]
 * In a cluster a request passes the gateway, Knative's ingress, its activator where an instance has to start, and the queue-proxy
 * beside the function, so how many proxies add to `X-Forwarded-For` differs from one request to the next. All of them have private
 * addresses. So each that has one is believed about who called it, and the first that has none is the caller. A caller whose own
 * address is private could write another before it: where there are such, the addresses of the cluster alone are named.
 */
export type TrustedProxies = number | BlockList;

/** The networks that `private` stands for; no public address is in them. */
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

/** `text`: a number up to 10, or addresses, networks and `private`, separated by commas. null: it is neither. */
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
