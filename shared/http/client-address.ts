import { type BlockList, isIP, isIPv6 } from 'node:net';
import { familyOf, type TrustedProxies } from '../domain/trusted-proxies.ts';
import type { IncomingRequest } from '../function/message.ts';

/**
 * Returns the address that a request comes from. Each trusted proxy appends the address of its own caller to `X-Forwarded-For`, at
 * the right end. Entries further left are written by the caller and are ignored. An entry that is not an IP address ends the search:
 * the result is then the address of the last proxy before it.
 *
 * @example
 * clientAddress({ remoteAddress: '10.0.0.1', headers: { 'x-forwarded-for': '6.6.6.6, 1.2.3.4' } }, 1); // '1.2.3.4'
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

/**
 * Returns the network that counts as one caller: an IPv4 address itself, or the /64 of an IPv6 address, because one caller may use
 * every address of its /64.
 *
 * @example
 * networkOf('2001:db8:1:2:3:4:5:6'); // '2001:db8:1:2::/64'
 */
export function networkOf(address: string): string {
  if (!isIPv6(address)) return address;
  const [head = '', tail] = address.split('%', 1)[0]!.split('::', 2);
  const before = head === '' ? [] : head.split(':');
  const after = tail === undefined || tail === '' ? [] : tail.split(':');
  // An IPv4 address at the end counts as two groups.
  const length = before.length + after.length + (address.includes('.') ? 1 : 0);
  const groups = tail === undefined ? before : [...before, ...Array<string>(8 - length).fill('0'), ...after];
  const network = groups.slice(0, 4).map((group) => Number.parseInt(group, 16).toString(16));
  return `${network.join(':')}::/64`;
}

/** The address without a port, without brackets, and without the prefix `::ffff:` of an IPv4-mapped address. */
function plain(text: string): string {
  const trimmed = text.trim();
  const host = /^\[([^\]]*)\](?::\d+)?$/.exec(trimmed)?.[1] ?? /^([\d.]+):\d+$/.exec(trimmed)?.[1] ?? trimmed;
  return /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(host)?.[1] ?? host;
}
