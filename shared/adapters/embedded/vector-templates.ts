import { AppError } from '../../errors.ts';
import type { Tenant } from '../../ports/tenant.ts';
import type { VectorEntry } from '../../ports/vectors.ts';
import { type Database, openDatabase } from './database.ts';
import { forcedOnDemand } from './forced-on-demand.ts';
import { createGroupCommit } from './group-commit.ts';
import { migrate, migrations } from './migrations.ts';
import { locationValues, toLocation } from './records-rows.ts';

interface StoredTemplate {
  readonly tenant: Tenant;
  readonly space: string;
  readonly entry: VectorEntry;
}

/** The vector store on disk. A write calls `apply` after its commit, in the order of the writes. */
export interface Templates {
  /** The caller reads to the end before it writes. Errors: STORE_UNAVAILABLE, which names the file, if it is damaged. */
  all(): IterableIterator<StoredTemplate>;
  upsert(
    tenant: Tenant,
    space: string,
    entries: readonly VectorEntry[],
    signal: AbortSignal | undefined,
    apply: () => void,
  ): Promise<void>;
  /** Resolves to the number of removed rows. */
  remove(
    tenant: Tenant,
    faceIds: readonly string[],
    signal: AbortSignal | undefined,
    apply: () => void,
  ): Promise<number>;
  drained(): Promise<void>;
  close(): void;
}

type TemplateRow = [
  tenant: Tenant,
  space: string,
  faceId: string,
  personId: string | null,
  imageId: string,
  capturedAt: number | null,
  latitude: number | null,
  longitude: number | null,
  accuracy: number | null,
  embedding: Buffer,
];

/** Ids per statement. */
const step = 500;

/**
 * [Note: Templates lost in a power cut]
 * A template can be computed again from its image and its record; reconcile-gallery does so soon after the next start. So an upsert is
 * not forced to the disk; that would take a tenth of an enrolment. A removal is forced, because a removed template must not come back.
 */
export function openTemplates(path: string, encryptionKey: string, now: number): Templates {
  // So that a page contains several templates, not one.
  const database = openDatabase(path, { encryptionKey, pageSize: 16_384 });
  try {
    migrate(database, migrations.vectors, now);
  } catch (error) {
    database.close();
    throw error;
  }
  const commits = createGroupCommit(forcedOnDemand(database));

  return {
    *all() {
      const rows = database.rows<TemplateRow>(
        `SELECT tenant, space, face_id, person_id, image_id, captured_at, latitude, longitude, accuracy_m, embedding
         FROM templates ORDER BY id`,
      );
      try {
        for (const row of rows) yield toTemplate(row);
      } catch (cause) {
        const reason = cause instanceof Error ? cause.message : String(cause);
        const message = `${path} is damaged: ${reason}. Restore it from a backup.`;
        throw new AppError('STORE_UNAVAILABLE', { message, cause });
      }
    },
    upsert: (tenant, space, entries, signal, apply) =>
      commits.run(
        () => {
          for (const entry of entries) upsertRow(database, tenant, space, entry);
        },
        { signal, apply },
      ),
    remove: (tenant, faceIds, signal, apply) =>
      commits.run(
        () => {
          let removed = 0;
          for (let from = 0; from < faceIds.length; from += step) {
            removed += database.run(
              'DELETE FROM templates WHERE tenant = ? AND face_id IN (SELECT value FROM json_each(?))',
              [tenant, JSON.stringify(faceIds.slice(from, from + step))],
            ).changes;
          }
          return removed;
        },
        { signal, apply, durable: true },
      ),
    drained: () => commits.drained(),
    close: () => database.close(),
  };
}

function upsertRow(database: Database, tenant: Tenant, space: string, entry: VectorEntry): void {
  const { faceId, personId, imageId, embedding, capturedAt, location } = entry;
  database.run(
    `INSERT INTO templates (tenant, face_id, space, person_id, image_id, captured_at, latitude, longitude, accuracy_m, embedding)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
     ON CONFLICT (tenant, face_id, space) DO UPDATE SET person_id = excluded.person_id, image_id = excluded.image_id,
       captured_at = excluded.captured_at, latitude = excluded.latitude, longitude = excluded.longitude,
       accuracy_m = excluded.accuracy_m, embedding = excluded.embedding`,
    [
      tenant,
      faceId,
      space,
      personId,
      imageId,
      capturedAt,
      ...locationValues(location),
      Buffer.from(embedding.buffer, embedding.byteOffset, embedding.byteLength),
    ],
  );
}

function toTemplate(row: TemplateRow): StoredTemplate {
  const [tenant, space, faceId, personId, imageId, capturedAt, latitude, longitude, accuracy_m, embedding] = row;
  const location = toLocation({ latitude, longitude, accuracy_m });
  return {
    tenant,
    space,
    entry: { faceId, personId, imageId, embedding: toFloats(embedding), capturedAt, location },
  };
}

/** Copies the bytes, because they may not be aligned for floats. */
function toFloats(bytes: Buffer): Float32Array {
  const floats = new Float32Array(bytes.length / Float32Array.BYTES_PER_ELEMENT);
  new Uint8Array(floats.buffer).set(bytes);
  return floats;
}
