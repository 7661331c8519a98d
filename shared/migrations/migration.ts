/** In the order in which they are brought up: the journal of all of them is kept in the first. */
export const databaseNames = ['scylla', 'kafka', 'minio', 'milvus'] as const;
export type DatabaseName = (typeof databaseNames)[number];

export type Direction = 'up' | 'down';

/** One thing that is done. It may be done again after it was cut short. */
export interface Step {
  /** As in `make the topic freeface.events`. */
  readonly what: string;
  run(): Promise<unknown>;
}

/** A way back that there is not, and why. */
export interface NoWayBack {
  readonly none: string;
}

/** One numbered file of a database. */
export interface Migration {
  /** The file's name. */
  readonly name: string;
  /** SHA-256 in hex. */
  readonly checksum: string;
  up(): Promise<readonly Step[]>;
  down(): Promise<readonly Step[] | NoWayBack>;
  /** Why there is nothing to do for it, as the configuration is. */
  readonly needless?: string | undefined;
  /** Whether what it makes is there. Without it what the journal says counts. */
  isThere?(): Promise<boolean>;
  /** What the way back loses, as in `persons` or `freeface.events: 12 events`. */
  holds(): Promise<readonly string[]>;
}

/** What is migrated, as the configuration names it. */
export interface MigratedDatabase {
  readonly name: DatabaseName;
  /** Keyspace, prefix or bucket: what is typed to say yes to its end. */
  readonly title: string;
  readonly migrations: readonly Migration[];
  /** Removes everything of ours. */
  erase(): Promise<readonly Step[]>;
  /** For people: what an erasure leaves, and what that means. */
  keeps?(): Promise<readonly string[]>;
  close(): Promise<void>;
}

/** Something that whoever runs the command has to do first. The message is for people. */
export class MigrationError extends Error {
  override readonly name = 'MigrationError';
}
