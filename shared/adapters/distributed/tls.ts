import {
  checkServerIdentity,
  createSecureContext,
  type PeerCertificate,
  rootCertificates,
  type SecureContext,
} from 'node:tls';
import type { EngineTls } from '../../engine-settings.ts';

/**
 * The certificate authorities that may sign an engine's certificate, in PEM.
 *
 * [Note: A private CA in addition to the public ones]
 * The option `ca` of Node replaces the default root certificates. So the default ones are passed as well. Parsing all of them takes
 * 20 ms, so the connections of a process share one parsed context.
 */
export const trusted = (ca: string): readonly string[] => [...rootCertificates, ca];

const contexts = new Map<string, SecureContext>();

/** Options for `tls.connect`; empty when no private CA is configured. */
export function tlsOptions({ ca }: EngineTls): { secureContext?: SecureContext } {
  if (ca === null) return {};
  const secureContext = contexts.get(ca) ?? createSecureContext({ ca: [...trusted(ca)] });
  contexts.set(ca, secureContext);
  return { secureContext };
}

/**
 * Checks a certificate for drivers that connect to addresses. It must be valid for the address or for one of `names`. Returns undefined
 * when it is.
 */
export const isOfNode =
  (names: readonly string[]) =>
  (address: string, certificate: PeerCertificate): Error | undefined => {
    const errors = [address, ...names].map((name) => checkServerIdentity(name, certificate));
    return errors.includes(undefined) ? undefined : errors[0];
  };
