import { createHash } from 'node:crypto';

/** Ids of the persons, faces and images of an action, at most 100 of each kind. `more` counts the others. */
export interface AuditSubjects {
  readonly persons: readonly string[];
  readonly faces: readonly string[];
  readonly images: readonly string[];
  readonly more: number;
}

export interface NewAuditEntry {
  /** Name of the function. */
  readonly action: string;
  /** `user:…`, `key:…`, `outside:…` or `system`; null when the caller is unknown. */
  readonly actor: string | null;
  /** Name of the actor, for people to read. */
  readonly actorName: string | null;
  readonly subjects: AuditSubjects;
  /** HTTP status of the response. 200 for an action of the platform, 102 for an action that is about to start. */
  readonly status: number;
  /** Error code, null when it succeeded. */
  readonly code: string | null;
  /** Address of the caller; null for a call from inside the platform. */
  readonly address: string | null;
  readonly requestId: string;
  /** Further facts, for example the number of rows that an erasure deleted. No names, no image bytes, no secrets. */
  readonly details: Readonly<Record<string, string | number | boolean | null>>;
}

/** An entry of a chain. See: [Note: Audit chain] */
export interface AuditEntry extends NewAuditEntry {
  /** Milliseconds since the epoch. */
  readonly at: number;
  /** Id of the chain. Each writer has one chain. */
  readonly chain: string;
  /** Position in the chain, from 1. */
  readonly sequence: number;
  /** Hash of the previous entry, hex; 64 zeros for the first entry. */
  readonly previous: string;
  /** SHA-256 of this entry, hex. */
  readonly hash: string;
}

/** One line of an export. The lines can be verified without the platform. */
export type AuditLine = Readonly<Record<string, unknown>> & {
  readonly tenant: string;
  readonly chain: string;
  readonly sequence: number;
  readonly previous: string;
  readonly hash: string;
};

/** `previous` of the first entry of a chain. */
export const chainStart = '0'.repeat(64);

/**
 * Converts an entry to the form that is hashed, listed and exported. `at` is RFC 3339 in UTC with milliseconds.
 *
 * [Note: Audit chain]
 * `hash` is the SHA-256, in hex, of the line without `hash`, as canonical JSON (RFC 8785: keys sorted, no white space). The line
 * contains its tenant, its chain, its sequence and the hash of the previous entry. So a changed, removed, inserted or moved entry
 * breaks the chain. A chain alone cannot show two attacks: its last entries are removed, or a person who can write the file computes
 * the whole chain again. To detect them, keep a head (sequence and hash of the last entry) elsewhere and check it later. See:
 * scripts/verify-audit.ts
 */
export function auditLine(tenant: string, entry: AuditEntry): AuditLine {
  return { ...unhashedLine(tenant, entry), hash: entry.hash };
}

/** Hash of an entry before it is appended: SHA-256, hex. */
export const hashOfEntry = (tenant: string, entry: Omit<AuditEntry, 'hash'>): string =>
  hashOfLine(unhashedLine(tenant, entry));

const unhashedLine = (tenant: string, entry: Omit<AuditEntry, 'hash'>) => ({
  tenant,
  chain: entry.chain,
  sequence: entry.sequence,
  previous: entry.previous,
  at: timeOf(entry.at),
  action: entry.action,
  actor: entry.actor,
  actor_name: entry.actorName,
  subjects: {
    person_ids: entry.subjects.persons,
    face_ids: entry.subjects.faces,
    image_ids: entry.subjects.images,
    more: entry.subjects.more,
  },
  status: entry.status,
  code: entry.code,
  address: entry.address,
  request_id: entry.requestId,
  details: entry.details,
});

/** A stored time that is out of the range of a date was changed. It must not throw here: the hash shows the change. */
const timeOf = (at: number): string => (Math.abs(at) <= 8.64e15 ? new Date(at).toISOString() : String(at));

function hashOfLine(line: Readonly<Record<string, unknown>>): string {
  const { hash: _, ...rest } = line;
  return createHash('sha256').update(canonicalJson(rest)).digest('hex');
}

/** Canonical JSON (RFC 8785) of a value that JSON.parse can return. */
export function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const fields = value as Readonly<Record<string, unknown>>;
  return `{${Object.keys(fields)
    .sort()
    .map((key) => `${JSON.stringify(key)}:${canonicalJson(fields[key])}`)
    .join(',')}}`;
}

/** The last entry of a chain. */
export interface ChainHead {
  readonly tenant: string;
  readonly chain: string;
  readonly sequence: number;
  readonly hash: string;
}

/** A break in a chain. `where` is the entry that shows it. */
export interface ChainBreak {
  readonly where: Pick<ChainHead, 'tenant' | 'chain' | 'sequence'>;
  /**
   * changed: the content of the entry does not match its hash; missing: entries before it are missing; repeated: its sequence occurred
   * before; unlinked: `previous` is not the hash of the entry before it.
   */
  readonly kind: 'changed' | 'missing' | 'repeated' | 'unlinked';
  /** For people to read. */
  readonly message: string;
}

export interface ChainVerifier {
  /**
   * Checks the next line. Returns its break, or null. Lines of several chains can be mixed. After a break, the check continues from
   * this line.
   */
  add(line: AuditLine): ChainBreak | null;
  /** Returns the last entry of each chain so far. */
  heads(): ChainHead[];
}

/** Verifies chains line by line. The lines of each chain must start at its first entry. */
export function createChainVerifier(): ChainVerifier {
  const heads = new Map<string, ChainHead>();
  return {
    add(line) {
      const { tenant, chain, sequence, hash } = line;
      const id = JSON.stringify([tenant, chain]);
      const broken = breakBetween(heads.get(id), line);
      heads.set(id, { tenant, chain, sequence, hash });
      return broken;
    },
    heads: () => [...heads.values()],
  };
}

function breakBetween(before: ChainHead | undefined, line: AuditLine): ChainBreak | null {
  const { tenant, chain, sequence, previous, hash } = line;
  const expected = (before?.sequence ?? 0) + 1;
  const broken = (kind: ChainBreak['kind'], what: string): ChainBreak => ({
    where: { tenant, chain, sequence },
    kind,
    message: `Tenant ${tenant}, chain ${chain}, entry ${sequence}: ${what}`,
  });
  if (hashOfLine(line) !== hash) return broken('changed', 'it was changed: its content does not match its hash.');
  if (sequence > expected) {
    const gone = sequence - expected;
    return broken(
      'missing',
      gone === 1 ? `entry ${expected} is missing.` : `entries ${expected} to ${sequence - 1} are missing.`,
    );
  }
  if (sequence < expected)
    return broken('repeated', `it follows entry ${before?.sequence}, so its sequence is repeated.`);
  if (previous !== (before?.hash ?? chainStart))
    return broken('unlinked', 'its previous hash is not the hash of the entry before it.');
  return null;
}

/** Makes the texts of an entry storable, so that a store returns exactly what was hashed. Stores keep UTF-8; SQLite cuts text at a NUL. */
export const storableEntry = (entry: NewAuditEntry): NewAuditEntry => ({
  ...entry,
  action: storable(entry.action),
  actor: entry.actor && storable(entry.actor),
  actorName: entry.actorName && storable(entry.actorName),
  code: entry.code && storable(entry.code),
  address: entry.address && storable(entry.address),
  requestId: storable(entry.requestId),
});

const storable = (text: string): string => Buffer.from(text.replaceAll('\0', '\ufffd')).toString();
