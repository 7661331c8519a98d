-- Webhooks, their secrets, and what is on its way to them. The whole file is encrypted. Times are milliseconds since the epoch;
-- JSON columns are written and read whole. `number` is the order of making, also where clocks go backwards.

CREATE TABLE settings (
  name TEXT PRIMARY KEY,
  value BLOB NOT NULL
) STRICT;

CREATE TABLE webhooks (
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  tenant TEXT NOT NULL,
  webhook_id TEXT NOT NULL,
  url TEXT,
  description TEXT NOT NULL,
  types TEXT NOT NULL,
  secrets TEXT NOT NULL,
  disabled TEXT,
  created_by TEXT,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  version INTEGER NOT NULL,
  UNIQUE (tenant, webhook_id)
) STRICT;
CREATE INDEX webhooks_by_number ON webhooks (tenant, number);

CREATE TABLE messages (
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  tenant TEXT NOT NULL,
  message_id TEXT NOT NULL,
  webhook_id TEXT NOT NULL,
  queue TEXT NOT NULL,
  type TEXT NOT NULL,
  url TEXT,
  payload TEXT NOT NULL,
  status TEXT NOT NULL,
  accepted_at INTEGER NOT NULL,
  scheduled_at INTEGER NOT NULL,
  -- NULL unless it is pending.
  due_at INTEGER,
  tries INTEGER NOT NULL,
  UNIQUE (tenant, message_id),
  FOREIGN KEY (tenant, webhook_id) REFERENCES webhooks (tenant, webhook_id) ON DELETE CASCADE
) STRICT;
CREATE INDEX messages_by_webhook ON messages (tenant, webhook_id, number);
CREATE INDEX messages_by_status ON messages (tenant, webhook_id, status, number);
CREATE INDEX messages_by_due ON messages (tenant, queue, due_at, number) WHERE due_at IS NOT NULL;
CREATE INDEX messages_by_schedule ON messages (scheduled_at) WHERE due_at IS NOT NULL;
CREATE INDEX messages_by_age ON messages (accepted_at) WHERE due_at IS NULL;

CREATE TABLE attempts (
  tenant TEXT NOT NULL,
  message_id TEXT NOT NULL,
  number INTEGER NOT NULL,
  at INTEGER NOT NULL,
  status INTEGER,
  duration_ms INTEGER NOT NULL,
  error TEXT,
  PRIMARY KEY (tenant, message_id, number),
  FOREIGN KEY (tenant, message_id) REFERENCES messages (tenant, message_id) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

-- One row for each queue that holds something or has its turn.
CREATE TABLE queues (
  tenant TEXT NOT NULL,
  queue TEXT NOT NULL,
  -- The least of its messages.
  due_at INTEGER,
  -- Called for, or having its turn, until then.
  busy_until INTEGER NOT NULL DEFAULT 0,
  rest_until INTEGER NOT NULL DEFAULT 0,
  turn TEXT,
  PRIMARY KEY (tenant, queue)
) STRICT, WITHOUT ROWID;
CREATE INDEX queues_by_due ON queues (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX queues_by_turn ON queues (tenant, busy_until) WHERE turn IS NOT NULL;
