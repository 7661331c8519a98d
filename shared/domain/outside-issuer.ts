/** An OpenID Connect issuer whose users may call, and how its claims map to our roles and tenants. */
export interface OutsideIssuer {
  /** Exactly the value of `iss`. */
  readonly issuer: string;
  /** A value that `aud` must contain. */
  readonly audience: string;
  /** null: read from the issuer's `/.well-known/openid-configuration`. */
  readonly keySetUrl: string | null;
  /** Claim with one role or a list of roles; dots lead into objects, as in `realm_access.roles`. */
  readonly roleClaim: string;
  /** Maps a value of that claim to one of our roles. A value without an entry is taken as the role's name. Never `owner`. */
  readonly roleNames: Readonly<Record<string, string>>;
  /** Claim with the name of a tenant that exists. null: every user belongs to the tenant `default`. */
  readonly tenantClaim: string | null;
}

/**
 * Whether keys and documents of an issuer may come from `url`: over https, or over http from this machine alone. Over plain http, every
 * router on the way could replace the keys and sign tokens for any user.
 */
export function isTrustworthyUrl(url: string): boolean {
  if (!URL.canParse(url)) return false;
  const { protocol, hostname } = new URL(url);
  return protocol === 'https:' || (protocol === 'http:' && isLoopback(hostname));
}

/** Whether only this machine can reach `host`. */
export const isLoopback = (host: string): boolean => /^(127(\.\d{1,3}){3}|\[?::1\]?|localhost)$/.test(host);
