import {
  checkServerIdentity,
  createSecureContext,
  type PeerCertificate,
  rootCertificates,
  type SecureContext,
} from 'node:tls';
import type { EngineTls } from '../../engine-settings.ts';

/**
 * PEM certificates that an engine's may be signed by.
 *
 * [Note: Own certificates beside the usual ones]
 * What Node is given as `ca` takes the place of the roots that it trusts by itself, so those are handed on as well. Reading them all
 * takes 20 ms, so the connections of a process share what was read once.
 */
export const trusted = (ca: string): readonly string[] => [...rootCertificates, ca];

const contexts = new Map<string, SecureContext>();

/** For `tls.connect`; nothing where the usual certificates are enough. */
export function tlsOptions({ ca }: EngineTls): { secureContext?: SecureContext } {
  if (ca === null) return {};
  const secureContext = contexts.get(ca) ?? createSecureContext({ ca: [...trusted(ca)] });
  contexts.set(ca, secureContext);
  return { secureContext };
}

/**
 * Whether a certificate is one of the node's, for drivers that connect to addresses: it is of the address, or of one of `names`.
 * undefined: it is.
 */
export const isOfNode =
  (names: readonly string[]) =>
  (address: string, certificate: PeerCertificate): Error | undefined => {
    const errors = [address, ...names].map((name) => checkServerIdentity(name, certificate));
    return errors.includes(undefined) ? undefined : errors[0];
  };
