import { isIP } from 'node:net';
import ipaddr from 'ipaddr.js';

/**
 * Hosts and addresses that a webhook may use although they are private.
 *
 * [Note: Webhooks reach only public addresses]
 * A webhook lets a stranger make this machine send a request. So webhooks go only to public addresses, by HTTPS, at port 443. For each
 * attempt the host name is resolved once, every address is checked, and the connection uses one of these addresses. So a name that
 * resolves to another address a moment later has no effect. Redirects are not followed, and only the status of the response is shown.
 * The operator of the platform can allow private hosts, addresses and ranges.
 */
export interface Allowed {
  /** In lower case. */
  readonly names: ReadonlySet<string>;
  readonly ranges: readonly (readonly [ipaddr.IPv4 | ipaddr.IPv6, number])[];
}

/** `entries`: names, addresses, and ranges such as `10.0.0.0/8`. An entry that is neither an address nor a range is a name. */
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

const orAllowed = ', unless the operator lists its host in FREEFACE_WEBHOOK_ALLOW';

/** The reason why a webhook may not use a URL; null: it may. Does not resolve the host name. */
export function targetProblem(text: string, allowed: Allowed): string | null {
  if (!URL.canParse(text)) return 'must be a URL';
  const url = new URL(text);
  const host = hostOf(url);
  const isAddress = isIP(host) !== 0;
  const named = isAddress ? isWithin(parse(host)!, allowed) : allowed.names.has(host);
  if (url.protocol !== 'https:' && !(named && url.protocol === 'http:')) return `must be an https URL${orAllowed}`;
  if (url.username !== '' || url.password !== '') return 'must not contain a username or password';
  if (named) return null;
  if (url.port !== '') return `must be at port 443${orAllowed}`;
  if (isAddress) return addressProblem(host, allowed);
  return host === 'localhost' || host.endsWith('.localhost') ? `must not point to this machine${orAllowed}` : null;
}

/** The reason why a webhook may not use an address that `host` resolves to; null: it may. */
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
  return address !== null && (isPublic(address) || isWithin(address, allowed))
    ? null
    : `must not be a private address${orAllowed}`;
}

/** Returns an IPv4-mapped IPv6 address as IPv4; null: not an address. */
function parse(text: string): ipaddr.IPv4 | ipaddr.IPv6 | null {
  return ipaddr.isValid(text) ? ipaddr.process(text) : null;
}

/** Ranges that the library counts as public, but that must not be used. */
const notPublic = (
  [
    // IPv4-compatible IPv6, deprecated.
    '::/96',
    // A cloud provider's service for its own machines.
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
