import { isIP } from 'node:net';
import ipaddr from 'ipaddr.js';

/**
 * Where webhooks may lead.
 *
 * [Note: No way inside]
 * A webhook is a request that a stranger makes this machine send. So it goes to public addresses alone, by HTTPS, at port 443. What a
 * name means is found out once for each attempt, every address of it is checked, and the connection is made to one of those: a name
 * that means something else a moment later leads nowhere else. Redirects are not followed, and nothing of the answer is shown but its
 * status. Whoever runs the platform may name hosts, addresses and ranges that are allowed although private.
 */
export interface Allowed {
  /** In lower case. */
  readonly names: ReadonlySet<string>;
  readonly ranges: readonly (readonly [ipaddr.IPv4 | ipaddr.IPv6, number])[];
}

/** `entries`: names, addresses, ranges as in `10.0.0.0/8`. What is neither address nor range is a name. */
export function allowedOf(entries: readonly string[]): Allowed {
  const isRange = (entry: string) => isIP(entry.split('/')[0]!) !== 0;
  return {
    names: new Set(entries.filter((entry) => !isRange(entry)).map((name) => bare(name))),
    ranges: entries.filter(isRange).map((entry) => {
      if (entry.includes('/')) return ipaddr.parseCIDR(entry);
      const address = ipaddr.parse(entry);
      return [address, address.kind() === 'ipv4' ? 32 : 128] as const;
    }),
  };
}

/** Why `url` is no target, as far as it can be known without asking for its name; null: it may be one. */
export function targetProblem(text: string, allowed: Allowed): string | null {
  if (!URL.canParse(text)) return 'must be a URL';
  const url = new URL(text);
  const host = hostOf(url);
  const isAddress = isIP(host) !== 0;
  const named = isAddress ? isWithin(parse(host)!, allowed) : allowed.names.has(host);
  if (url.protocol !== 'https:' && !(named && url.protocol === 'http:')) return 'must be an https URL';
  if (url.username !== '' || url.password !== '') return 'must not hold a username or password';
  if (named) return null;
  if (url.port !== '') return 'must be at port 443';
  if (isAddress) return addressProblem(host, allowed);
  return host === 'localhost' || host.endsWith('.localhost') ? 'must not lead to this machine' : null;
}

/** Why nothing is sent to an address that a name means; null: it may be. */
export function resolvedProblem(host: string, address: string, allowed: Allowed): string | null {
  return allowed.names.has(bare(host)) ? null : addressProblem(address, allowed);
}

/** A URL's host without brackets, in lower case. */
export const hostOf = (url: URL): string => bare(url.hostname);

const bare = (host: string): string =>
  host
    .toLowerCase()
    .replace(/^\[(.*)\]$/, '$1')
    .replace(/\.$/, '');

function addressProblem(text: string, allowed: Allowed): string | null {
  const address = parse(text);
  return address !== null && (isPublic(address) || isWithin(address, allowed)) ? null : 'must not be a private address';
}

/** IPv4 in the clothes of IPv6 is IPv4. */
function parse(text: string): ipaddr.IPv4 | ipaddr.IPv6 | null {
  return ipaddr.isValid(text) ? ipaddr.process(text) : null;
}

/** Public to the library, and not to us. */
const notPublic = (
  [
    // IPv4-compatible IPv6, given up long ago.
    '::/96',
    // A cloud's service for its own machines.
    '168.63.129.16/32',
  ] as const
).map((range) => ipaddr.parseCIDR(range));

const isPublic = (address: ipaddr.IPv4 | ipaddr.IPv6): boolean =>
  address.range() === 'unicast' && !notPublic.some((range) => matches(address, range));

const isWithin = (address: ipaddr.IPv4 | ipaddr.IPv6, { ranges }: Allowed): boolean =>
  ranges.some((range) => matches(address, range));

const matches = (
  address: ipaddr.IPv4 | ipaddr.IPv6,
  [network, bits]: readonly [ipaddr.IPv4 | ipaddr.IPv6, number],
): boolean => address.kind() === network.kind() && (address as ipaddr.IPv4).match(network as ipaddr.IPv4, bits);
