import { type BlockList, isIP, isIPv6 } from 'node:net';
import { familyOf, type TrustedProxies } from '../domain/trusted-proxies.ts';
import type { IncomingRequest } from '../function/message.ts';

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
