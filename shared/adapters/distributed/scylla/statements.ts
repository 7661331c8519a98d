/**
 * A CQL statement with its consistency. The table `statements` has every statement that the stores run.
 *
 * [Note: Consistency]
 * Every later read must see an acknowledged write. So reads and writes use LOCAL_QUORUM; with one node, that is the node. When only one of
 * several writes may win (unique names, the first outcome of a job, versions), the statement is conditional and decided at
 * LOCAL_SERIAL. Conditional and plain writes take their timestamps from different clocks. So a row with conditional writes has only
 * conditional writes, and rows of lists have only plain writes.
 *
 * [Note: Checked against Scylla]
 * The tests run on Cassandra, which has the same protocol. Each construct was checked in ScyllaDB's manual:
 * - Conditional INSERT, UPDATE and DELETE, and conditional batches in one partition (features/lwt: a batch with one conditional statement
 *   is a conditional batch; kb/lwt-differences: the response always contains the old row, in a batch one for each condition, so only
 *   `[applied]` of the first row is read).
 * - Relations on several clustering columns, `(at, id) > (?, ?)`; ORDER BY against the order of the table; LIMIT with a marker
 *   (cql/dml/select: the grammar has all three).
 * - Timestamps from the driver with a batch, logged batches, `gc_grace_seconds`, `IN` on a clustering column in a partition (cql/dml).
 * Until 2025.3, conditions do not work in keyspaces with tablets (features/lwt), so on Scylla the keyspace is created without tablets.
 * Some constructs are missing or different in one of the two engines and are not used: counters, materialized views, secondary
 * indexes, ALLOW FILTERING, BYPASS CACHE, static columns under conditions, conditional deletions of a whole partition, `vector`.
 */
export interface Statement {
  readonly cql: string;
  readonly consistency: 'LOCAL_QUORUM';
  /** Set for conditional statements only. */
  readonly serial?: 'LOCAL_SERIAL';
}

export const documentTables = [
  'persons',
  'images',
  'jobs',
  'dead_letters',
  'uploads',
  'tenants',
  'users',
  'api_keys',
  'sessions',
  'signing_keys',
  'webhooks',
  'messages',
  'queues',
] as const;
export type DocumentTable = (typeof documentTables)[number];

export const listTables = [
  'outbox',
  'unfinished',
  'persons_by_tenant',
  'images_by_tenant',
  'unexpired_images_by_tenant',
  'faces_by_tenant',
  'unknown_faces_by_tenant',
  'faces_by_person',
  'appearances_by_person',
  'jobs_by_tenant',
  'jobs_by_face',
  'jobs_by_person',
  'jobs_by_batch',
  'jobs_waiting',
  'jobs_finished',
  'dead_letters_by_tenant',
  'dead_letters_of_all',
  'uploads_by_tenant',
  'uploads_by_image',
  'tenants_by_age',
  'users_by_tenant',
  'api_keys_by_tenant',
  'audit_chains',
  'audit_by_time',
  'audit_by_subject',
  'messages_by_webhook',
  'messages_of_all',
  'messages_waiting',
  'messages_due',
  'queues_due',
  'queues_in_turn',
] as const;
export type ListTable = (typeof listTables)[number];

export const claimTables = ['persons_by_external_id', 'users_by_name'] as const;
export type ClaimTable = (typeof claimTables)[number];

const read = (cql: string): Statement => ({ cql, consistency: 'LOCAL_QUORUM' });
const write = read;
const decide = (cql: string): Statement => ({ cql, consistency: 'LOCAL_QUORUM', serial: 'LOCAL_SERIAL' });

/** Statements of a document table. The document of an image is in one partition with its faces. See: [Note: One row decides] */
function documentStatements(table: DocumentTable) {
  const [column, value, and] =
    table === 'images' ? [', face_id', `, '-'`, ` AND face_id = '-'`] : (['', '', ''] as const);
  const key = `tenant = ? AND id = ?${and}`;
  return {
    [`${table}:read`]: read(`SELECT data, revision, op, ts, pending FROM ${table} WHERE ${key}`),
    [`${table}:create`]: decide(
      `INSERT INTO ${table} (tenant, id${column}, data, revision, op, ts, pending) VALUES (?, ?${value}, ?, ?, ?, ?, ?) IF NOT EXISTS USING TTL ?`,
    ),
    [`${table}:change`]: decide(
      `UPDATE ${table} USING TTL ? SET data = ?, revision = ?, op = ?, ts = ?, pending = ? WHERE ${key} IF revision = ?`,
    ),
    [`${table}:done`]: decide(`UPDATE ${table} USING TTL ? SET op = null, pending = null WHERE ${key} IF op = ?`),
    [`${table}:remove`]: decide(`DELETE FROM ${table} WHERE ${key} IF revision = ?`),
    [`${table}:removed`]: decide(`DELETE FROM ${table} WHERE ${key} IF op = ?`),
  };
}

/** Statements of a list table. See: [Note: Lists in buckets] */
function listStatements(table: ListTable) {
  const bucket = 'tenant = ? AND scope = ? AND bucket = ?';
  const between = '(at, id) > (?, ?) AND (at, id) < (?, ?)';
  return {
    [`${table}:put`]: write(`INSERT INTO ${table} (tenant, scope, bucket, at, id, data) VALUES (?, ?, ?, ?, ?, ?)`),
    [`${table}:drop`]: write(`DELETE FROM ${table} WHERE ${bucket} AND at = ? AND id = ?`),
    [`${table}:up`]: read(
      `SELECT at, id, data FROM ${table} WHERE ${bucket} AND ${between} ORDER BY at ASC, id ASC LIMIT ?`,
    ),
    [`${table}:down`]: read(
      `SELECT at, id, data FROM ${table} WHERE ${bucket} AND ${between} ORDER BY at DESC, id DESC LIMIT ?`,
    ),
  };
}

/** Statements of a table of unique names. See: [Note: Claims] */
function claimStatements(table: ClaimTable) {
  const key = 'tenant = ? AND name = ?';
  return {
    [`${table}:claim`]: decide(
      `INSERT INTO ${table} (tenant, name, holder, claimed_at) VALUES (?, ?, ?, ?) IF NOT EXISTS`,
    ),
    [`${table}:holder`]: read(`SELECT holder, claimed_at FROM ${table} WHERE ${key}`),
    [`${table}:take`]: decide(
      `UPDATE ${table} SET holder = ?, claimed_at = ? WHERE ${key} IF holder = ? AND claimed_at = ?`,
    ),
    [`${table}:release`]: decide(`DELETE FROM ${table} WHERE ${key} IF holder = ?`),
    [`${table}:give-back`]: decide(`DELETE FROM ${table} WHERE ${key} IF holder = ? AND claimed_at = ?`),
  };
}

const merged = <Table extends string>(tables: readonly Table[], of: (table: Table) => Record<string, Statement>) =>
  Object.assign({}, ...tables.map(of)) as Record<string, Statement>;

export const statements: Readonly<Record<string, Statement>> = {
  ...merged(documentTables, documentStatements),
  ...merged(listTables, listStatements),
  ...merged(claimTables, claimStatements),

  'setting:read': read('SELECT value FROM settings WHERE name = ?'),
  'setting:make': decide('INSERT INTO settings (name, value) VALUES (?, ?) IF NOT EXISTS'),

  'buckets:touch': write('INSERT INTO buckets (tenant, listing, bucket, stamp) VALUES (?, ?, ?, ?)'),
  'buckets:counted': write(
    'UPDATE buckets SET counted = ?, total = ?, counted_stamp = ?, keep_until = ? WHERE tenant = ? AND listing = ? AND bucket = ?',
  ),
  'buckets:forget': write('DELETE FROM buckets WHERE tenant = ? AND listing = ? AND bucket = ?'),
  'buckets:up': read(
    'SELECT bucket, stamp, counted, total, counted_stamp, keep_until FROM buckets WHERE tenant = ? AND listing = ? AND bucket >= ? AND bucket <= ? ORDER BY bucket ASC',
  ),
  'buckets:down': read(
    'SELECT bucket, stamp, counted, total, counted_stamp, keep_until FROM buckets WHERE tenant = ? AND listing = ? AND bucket >= ? AND bucket <= ? ORDER BY bucket DESC',
  ),

  'tenants_seen:put': write('INSERT INTO tenants_seen (tenant, id) VALUES (?, ?)'),
  'tenants_seen:all': read('SELECT id FROM tenants_seen WHERE tenant = ?'),

  'gallery_epochs:put': write('INSERT INTO gallery_epochs (tenant, writer, stamp) VALUES (?, ?, ?) USING TTL ?'),
  'gallery_epochs:all': read('SELECT stamp FROM gallery_epochs WHERE tenant = ?'),

  'images:faces': read('SELECT face_id, data FROM images WHERE tenant = ? AND id = ?'),
  'images:face': read('SELECT face_id, data FROM images WHERE tenant = ? AND id = ? AND face_id IN ?'),
  'images:putFace': write('INSERT INTO images (tenant, id, face_id, data) VALUES (?, ?, ?, ?)'),
  'images:dropFace': write('DELETE FROM images WHERE tenant = ? AND id = ? AND face_id = ?'),
  'faces:put': write('INSERT INTO faces (tenant, id, image_id) VALUES (?, ?, ?)'),
  'faces:drop': write('DELETE FROM faces WHERE tenant = ? AND id = ?'),
  'faces:where': read('SELECT image_id FROM faces WHERE tenant = ? AND id = ?'),
  'deletions:put': write('INSERT INTO deletions (tenant, id, kind, subject, data) VALUES (?, ?, ?, ?, ?)'),
  'deletions:all': read('SELECT kind, subject, data FROM deletions WHERE tenant = ? AND id = ?'),
  'deletions:forget': write('DELETE FROM deletions WHERE tenant = ? AND id = ?'),

  'audit:put': write('INSERT INTO audit_log (tenant, chain, block, sequence, data) VALUES (?, ?, ?, ?, ?)'),
  'audit:entry': read('SELECT data FROM audit_log WHERE tenant = ? AND chain = ? AND block = ? AND sequence = ?'),
  'audit:block': read('SELECT sequence, data FROM audit_log WHERE tenant = ? AND chain = ? AND block = ?'),
};
