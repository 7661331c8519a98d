/** In the order in which they are migrated. The first one stores the journal of all of them. */
export const databaseNames = ['scylla', 'kafka', 'minio', 'milvus'] as const;
export type DatabaseName = (typeof databaseNames)[number];

export type Direction = 'up' | 'down';

/** One step of a migration. A step that was interrupted can be run again. */
export interface Step {
  /** For people, for example `create the topic freeface.events`. */
  readonly what: string;
  run(): Promise<unknown>;
}

/** A migration that cannot be rolled back. */
export interface NoWayBack {
  /** The reason, for people. */
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
  /** Reason why the current configuration does not need this migration. */
  readonly needless?: string | undefined;
  /** Whether the things that it creates exist. Without this method the journal decides. */
  isThere?(): Promise<boolean>;
  /** Data that a rollback deletes, for example `persons` or `freeface.events: 12 events`. */
  holds(): Promise<readonly string[]>;
}

/** A database of the configuration, with its migrations. */
export interface MigratedDatabase {
  readonly name: DatabaseName;
  /** Keyspace, prefix or bucket. The user types it to confirm an erasure. */
  readonly title: string;
  readonly migrations: readonly Migration[];
  /** Steps that remove everything that FreeFace has stored there. */
  erase(): Promise<readonly Step[]>;
  /** Lines for people: what an erasure does not remove, and the consequence. */
  keeps?(): Promise<readonly string[]>;
  close(): Promise<void>;
}

/** The user must correct something before the command can go on. The message says what. */
export class MigrationError extends Error {
  override readonly name = 'MigrationError';
}
