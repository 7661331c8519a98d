import { createHash } from 'node:crypto';

/** Ids that an answer spoke of, at most 100 of each kind; `more` counts the rest. */
export interface AuditSubjects {
  readonly persons: readonly string[];
  readonly faces: readonly string[];
  readonly images: readonly string[];
  readonly more: number;
}

export interface NewAuditEntry {
  /** Name of the function that was called, or of a cron function. */
  readonly action: string;
  /** `user:…`, `key:…`, `outside:…`, `system`; null: it was not known who called. */
  readonly actor: string | null;
  /** Name of the actor, for people to read. */
  readonly actorName: string | null;
  readonly subjects: AuditSubjects;
  /** HTTP status of the answer; 200 for what the platform did by itself, 102 for what is about to be done. */
  readonly status: number;
  /** Error code, null when it succeeded. */
  readonly code: string | null;
  /** Where the call came from; null: from inside. */
  readonly address: string | null;
  readonly requestId: string;
  /** What else there is to know, such as what an erasure removed. No names, no image bytes, no secrets. */
  readonly details: Readonly<Record<string, string | number | boolean | null>>;
}

/** An entry as it stands in a chain. See: [Note: Audit chain] */
export interface AuditEntry extends NewAuditEntry {
  /** Milliseconds since the epoch. */
  readonly at: number;
  /** One writer's chain; each begins at sequence 1. */
  readonly chain: string;
  readonly sequence: number;
  /** Hash of the entry before, hex; 64 zeros for the first. */
  readonly previous: string;
  readonly hash: string;
}

/** What stands in an export, one a line. Whoever has the lines can prove them without the platform. */
export type AuditLine = Readonly<Record<string, unknown>> & {
  readonly tenant: string;
  readonly chain: string;
  readonly sequence: number;
  readonly previous: string;
  readonly hash: string;
};

/** `previous` of a chain's first entry. */
export const chainStart = '0'.repeat(64);

/**
 * The entry in the form in which it is hashed, listed and exported. `at` is RFC 3339 in UTC with milliseconds.
 *
 * [Note: Audit chain]
 * `hash` is the SHA-256, in hex, of the line without its `hash`, as canonical JSON (RFC 8785: keys sorted, no white space). The
 * line names its tenant, its chain, its place in it and the hash of the entry before, so an entry that is changed, removed,
 * inserted or moved breaks everything behind it. What a chain alone cannot show is that its end was cut off, or that somebody
 * who can write the file calculated all of it anew: for that, a head (sequence and hash of the last entry) is kept elsewhere
 * and looked for later, see scripts/verify-audit.ts.
 */
export function auditLine(tenant: string, entry: AuditEntry): AuditLine {
  return { ...unhashedLine(tenant, entry), hash: entry.hash };
}

/** Hash of an entry that is about to be appended. */
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

/** A stored time that no date has was tampered with, which the hash will show. */
const timeOf = (at: number): string => (Math.abs(at) <= 8.64e15 ? new Date(at).toISOString() : String(at));

function hashOfLine(line: Readonly<Record<string, unknown>>): string {
  const { hash: _, ...rest } = line;
  return createHash('sha256').update(canonicalJson(rest)).digest('hex');
}

/** RFC 8785, for what JSON.parse can give. */
export function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const fields = value as Readonly<Record<string, unknown>>;
  return `{${Object.keys(fields)
    .sort()
    .map((key) => `${JSON.stringify(key)}:${canonicalJson(fields[key])}`)
    .join(',')}}`;
}

export interface ChainHead {
  readonly tenant: string;
  readonly chain: string;
  readonly sequence: number;
  readonly hash: string;
}

/** The first place at which a chain is broken. `where` is the entry that shows it. */
export interface ChainBreak {
  readonly where: Pick<ChainHead, 'tenant' | 'chain' | 'sequence'>;
  /**
   * changed: the entry is not what was hashed; missing: entries before it are gone; repeated: its number was there before;
   * unlinked: the entry before it is another one than it was chained to.
   */
  readonly kind: 'changed' | 'missing' | 'repeated' | 'unlinked';
  /** For people to read. */
  readonly message: string;
}

export interface ChainVerifier {
  /** Takes the next line; chains may be interleaved. The break it shows, or null. What follows a break is judged from there on. */
  add(line: AuditLine): ChainBreak | null;
  /** The last entry of each chain so far. */
  heads(): ChainHead[];
}

/** Proves chains one line after another, each from its first entry on. */
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
  if (hashOfLine(line) !== hash) return broken('changed', 'it was changed; its content does not have its hash.');
  if (sequence > expected) {
    const gone = sequence - expected;
    return broken(
      'missing',
      gone === 1 ? `entry ${expected} is missing.` : `entries ${expected} to ${sequence - 1} are missing.`,
    );
  }
  if (sequence < expected) return broken('repeated', `it stands behind entry ${before?.sequence}.`);
  if (previous !== (before?.hash ?? chainStart))
    return broken('unlinked', 'it was chained to another entry than the one that stands before it.');
  return null;
}

/** What is hashed must be what comes back: stores keep text as UTF-8, SQLite up to the first NUL. */
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
