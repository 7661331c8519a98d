import { lookup, Resolver } from 'node:dns/promises';

export interface Address {
  readonly address: string;
  readonly family: 4 | 6;
}

/** Resolves a host name to all its addresses. Throws if there are none. */
export type Resolve = (host: string) => Promise<readonly Address[]>;

/** Two tries for each query. */
const resolver = new Resolver({ timeout: 2000, tries: 2 });

/**
 * [Note: Names are resolved in parallel]
 * The system's look-up occupies one of two threads until it has a result, so a slow name server would delay all other names. Direct
 * queries to the name server need no thread. The system's look-up is used only for names that the server does not know, such as those
 * of the hosts file.
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
