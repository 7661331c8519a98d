import { deflateRawSync, inflateRawSync } from 'node:zlib';
import type { Bound, Row, Scylla, Value } from './client.ts';
import type { DocumentTable } from './statements.ts';

/** The row of a document. See: [Note: One row decides] */
export interface Stored {
  /** JSON; null: the document is deleted, and the writes that follow are pending. */
  readonly data: string | null;
  readonly revision: number;
  /** Id of the change whose writes are pending; null: none. */
  readonly op: string | null;
  /** Timestamp of the last change, in microseconds. */
  readonly ts: number;
  readonly pending: readonly Bound[];
}

/** null: the row does not exist. */
export async function readStored(
  scylla: Scylla,
  table: DocumentTable,
  tenant: string,
  id: string,
): Promise<Stored | null> {
  const [row] = await scylla.rows(`${table}:read`, [tenant, id]);
  return row === undefined ? null : toStored(row);
}

const toStored = (row: Row): Stored => ({
  data: row.data as string | null,
  revision: Number(row.revision ?? 0),
  op: row.op as string | null,
  ts: Number(row.ts ?? 0),
  pending: unpacked(row.pending as Buffer | null),
});

export const packed = (bounds: readonly Bound[]): Value =>
  bounds.length === 0 ? null : deflateRawSync(JSON.stringify(bounds), { level: 1 });

const unpacked = (bytes: Buffer | null): Bound[] =>
  bytes === null ? [] : (JSON.parse(inflateRawSync(bytes).toString()) as Bound[]);
