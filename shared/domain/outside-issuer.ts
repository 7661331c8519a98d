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
  /** null: every user belongs to the tenant `default`. */
  readonly tenantClaim: string | null;
}
