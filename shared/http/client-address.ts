import { BlockList, isIP, isIPv6 } from 'node:net';
import type { IncomingRequest } from './exchange.ts';

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

/**
 * The address a request comes from. Each trusted proxy in front adds the address it was called from at the right end of
 * `X-Forwarded-For`; what stands further left is the caller's own word and counts for nothing. What is no address there ends the
 * belief: then it is the last proxy's.
 */
export function clientAddress(
  { remoteAddress, headers }: Pick<IncomingRequest, 'remoteAddress' | 'headers'>,
  trusted: TrustedProxies,
): string {
  let address = plain(remoteAddress);
  const hops = (headers['x-forwarded-for'] ?? '').split(',').reverse().map(plain);
  for (const [i, hop] of hops.entries()) {
    const isProxy = typeof trusted === 'number' ? i < trusted : isWithin(address, trusted);
    if (!isProxy || isIP(hop) === 0) break;
    address = hop;
  }
  return address;
}

const isWithin = (address: string, networks: BlockList): boolean =>
  isIP(address) !== 0 && networks.check(address.split('%', 1)[0]!, familyOf(address));

const familyOf = (address: string): 'ipv4' | 'ipv6' => (isIPv6(address) ? 'ipv6' : 'ipv4');

/** What counts as one caller: an IPv6 address belongs to whoever holds its /64 network. */
export function networkOf(address: string): string {
  if (!isIPv6(address)) return address;
  const [head = '', tail] = address.split('%', 1)[0]!.split('::', 2);
  const before = head === '' ? [] : head.split(':');
  const after = tail === undefined || tail === '' ? [] : tail.split(':');
  // An IPv4 address at the end stands for two groups.
  const length = before.length + after.length + (address.includes('.') ? 1 : 0);
  const groups = tail === undefined ? before : [...before, ...Array<string>(8 - length).fill('0'), ...after];
  const network = groups.slice(0, 4).map((group) => Number.parseInt(group, 16).toString(16));
  return `${network.join(':')}::/64`;
}

/** Without a port, brackets, or the prefix of an IPv4 address in IPv6 clothes. */
function plain(text: string): string {
  const trimmed = text.trim();
  const host = /^\[([^\]]*)\](?::\d+)?$/.exec(trimmed)?.[1] ?? /^([\d.]+):\d+$/.exec(trimmed)?.[1] ?? trimmed;
  return /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(host)?.[1] ?? host;
}
