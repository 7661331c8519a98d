-- Topics of the embedded broker. Times are milliseconds since the epoch.

CREATE TABLE events (
  sequence INTEGER PRIMARY KEY AUTOINCREMENT,
  topic TEXT NOT NULL,
  type TEXT NOT NULL,
  -- Order is kept among the events of one key; NULL: no order asked for.
  partition_key TEXT,
  published_at INTEGER NOT NULL,
  -- A structured CloudEvent in JSON.
  event TEXT NOT NULL
) STRICT;
CREATE INDEX events_by_topic ON events (topic, sequence);
CREATE INDEX events_by_age ON events (published_at);

-- Everything up to and including `position` is done.
CREATE TABLE consumer_groups (
  topic TEXT NOT NULL,
  name TEXT NOT NULL,
  position INTEGER NOT NULL,
  PRIMARY KEY (topic, name)
) STRICT, WITHOUT ROWID;

-- What is known of single events behind a group's position.
CREATE TABLE deliveries (
  topic TEXT NOT NULL,
  name TEXT NOT NULL,
  sequence INTEGER NOT NULL,
  -- Failed attempts so far.
  attempts INTEGER NOT NULL,
  -- When the next attempt is due; NULL: done.
  due_at INTEGER,
  PRIMARY KEY (topic, name, sequence)
) STRICT, WITHOUT ROWID;

CREATE TABLE dead_letters (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  topic TEXT NOT NULL,
  name TEXT NOT NULL,
  status INTEGER NOT NULL,
  reason TEXT NOT NULL,
  attempts INTEGER NOT NULL,
  at INTEGER NOT NULL,
  event TEXT NOT NULL
) STRICT;
