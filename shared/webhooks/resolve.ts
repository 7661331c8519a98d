import { lookup, Resolver } from 'node:dns/promises';

export interface Address {
  readonly address: string;
  readonly family: 4 | 6;
}

/** Every address that a name means. Throws when it means none. */
export type Resolve = (host: string) => Promise<readonly Address[]>;

/** Of one question: the first attempt and one more. */
const resolver = new Resolver({ timeout: 2000, tries: 2 });

/**
 * [Note: Names are asked for in parallel]
 * The system's own look-up takes one of two threads until it is answered, so one who answers slowly would hold up all. Questions of
 * our own to the name server do not. The system is asked only for names that the server does not know: those of its hosts file.
 */
export const resolveName: Resolve = async (host) => {
  const [four, six] = await Promise.allSettled([resolver.resolve4(host), resolver.resolve6(host)]);
  const found: Address[] = [
    ...(four.status === 'fulfilled' ? four.value.map((address) => ({ address, family: 4 as const })) : []),
    ...(six.status === 'fulfilled' ? six.value.map((address) => ({ address, family: 6 as const })) : []),
  ];
  if (found.length > 0) return found;
  for (const outcome of [four, six]) {
    if (outcome.status === 'rejected' && (outcome.reason as NodeJS.ErrnoException).code === 'ETIMEOUT')
      throw outcome.reason;
  }
  return (await lookup(host, { all: true })) as Address[];
};
