/** "SETL": tells our ledger from any other SQLite file. */
export const applicationId = 0x5345544c

/**
 * From nothing to today, a step a version: a file of an older program is brought up to date step by step, in one
 * transaction. A step that was ever released is never changed.
 */
export const migrations: readonly string[] = [
  `-- one row a datapoint (or wildcard) of a gateway and a sink
CREATE TABLE target (
  id       INTEGER PRIMARY KEY,
  sink     TEXT NOT NULL,
  gateway  TEXT NOT NULL,
  key      TEXT NOT NULL,   -- the selector's key
  selector TEXT NOT NULL,   -- the selector as JSON
  UNIQUE (sink, gateway, key)
) STRICT;
-- ranges (after, until] in ms UTC that are proven complete: disjoint, merged where they touch
CREATE TABLE coverage (
  target INTEGER NOT NULL REFERENCES target,
  final  INTEGER NOT NULL,  -- 1 final, 0 provisional
  after  INTEGER NOT NULL,
  until  INTEGER NOT NULL,
  PRIMARY KEY (target, final, after),
  CHECK (after < until)
) STRICT, WITHOUT ROWID;
-- smallest ranges that failed again and again: listed, tried again, never forgotten
CREATE TABLE parked (
  target INTEGER NOT NULL REFERENCES target,
  after  INTEGER NOT NULL,
  until  INTEGER NOT NULL,
  code   TEXT NOT NULL,
  reason TEXT NOT NULL,
  at     INTEGER NOT NULL,  -- ms UTC of the last try
  tries  INTEGER NOT NULL,
  PRIMARY KEY (target, after, until)
) STRICT, WITHOUT ROWID;
-- what became of the entries of each transfer; the newest few thousand
CREATE TABLE receipt (
  id          INTEGER PRIMARY KEY,
  at          INTEGER NOT NULL,
  sink        TEXT NOT NULL,
  gateway     TEXT NOT NULL,
  selectors   TEXT NOT NULL,
  after       INTEGER NOT NULL,
  until       INTEGER NOT NULL,
  provisional INTEGER NOT NULL,
  counts      TEXT NOT NULL  -- JSON: received, outside, duplicate, collapsed, empty, written, rejected, bytes, tookMs
) STRICT;
-- how long the ranges of a group's requests may be
CREATE TABLE window (
  gateway TEXT NOT NULL,
  grp     TEXT NOT NULL,
  ms      INTEGER NOT NULL,
  PRIMARY KEY (gateway, grp)
) STRICT, WITHOUT ROWID;
-- the process that may write; at most one row
CREATE TABLE owner (
  one       INTEGER PRIMARY KEY CHECK (one = 1),
  token     TEXT NOT NULL,
  pid       INTEGER NOT NULL,
  host      TEXT NOT NULL,
  doing     TEXT NOT NULL,
  heartbeat INTEGER NOT NULL
) STRICT;
`,
  `
-- distinct points that the sink acknowledged for the range: what verify holds against the database; NULL: unknown
ALTER TABLE coverage ADD COLUMN points INTEGER;
-- how the datapoints of a device are best asked for, as measured: together (wide) or one by one (narrow)
CREATE TABLE grouping (
  gateway TEXT NOT NULL,
  grp     TEXT NOT NULL,
  width   TEXT NOT NULL CHECK (width IN ('wide', 'narrow', 'always wide')),
  PRIMARY KEY (gateway, grp)
) STRICT, WITHOUT ROWID;
-- what looking twice at fresh ranges has found: tells whether sync.lateness is right
CREATE TABLE second_look (
  gateway TEXT PRIMARY KEY,
  looks   INTEGER NOT NULL,
  points  INTEGER NOT NULL,
  late    INTEGER NOT NULL  -- points that were not there at the first look
) STRICT, WITHOUT ROWID;
-- what the owner is doing or waiting for, for "status"
CREATE TABLE activity (
  gateway TEXT PRIMARY KEY,
  doing   TEXT NOT NULL,
  since   INTEGER NOT NULL,  -- ms UTC
  until   INTEGER            -- ms UTC, where it is known
) STRICT, WITHOUT ROWID;
`,
  `
-- what a datapoint logs, by the first entry that was written: another kind becomes a dead letter
CREATE TABLE pin (
  sink      TEXT NOT NULL,
  gateway   TEXT NOT NULL,
  datapoint TEXT NOT NULL,  -- device/block/index/name, escaped as keys of selectors are
  kind      TEXT NOT NULL CHECK (kind IN ('number', 'text', 'structure')),
  PRIMARY KEY (sink, gateway, datapoint)
) STRICT, WITHOUT ROWID;
`,
  `
-- a line of values over time, as the database knows it
CREATE TABLE series (
  id          INTEGER PRIMARY KEY,
  measurement TEXT NOT NULL,
  tags        TEXT NOT NULL,  -- JSON object, sorted by name
  UNIQUE (measurement, tags)
) STRICT;
-- the series that the points of a target went to: what verify counts in the database
CREATE TABLE content (
  target INTEGER NOT NULL REFERENCES target,
  series INTEGER NOT NULL REFERENCES series,
  PRIMARY KEY (target, series)
) STRICT, WITHOUT ROWID;
CREATE INDEX content_series ON content (series);
-- a count is worth nothing where it is not known of which series: the ranges stay proven complete
UPDATE coverage SET points = NULL;
`,
  `
-- how a gateway's clock stood beside this host's when something was last recorded: tells whether it was set back since
CREATE TABLE clock (
  gateway TEXT PRIMARY KEY,
  host    INTEGER NOT NULL,  -- ms UTC
  shown   INTEGER NOT NULL   -- ms UTC by the gateway's clock at that moment
) STRICT, WITHOUT ROWID;
`,
  `
-- the boot and PID namespace that the owner's pid belongs to; NULL: not known, and its pid says nothing
ALTER TABLE owner ADD COLUMN pid_space TEXT;
`,
  `
-- what was counted for the range besides its points: of final rows alone, and NULL where it is not known
ALTER TABLE coverage ADD COLUMN received INTEGER;
ALTER TABLE coverage ADD COLUMN written INTEGER;
ALTER TABLE coverage ADD COLUMN rejected INTEGER;
`,
  `
-- for how long a gateway keeps what it logs, as it told last: for "status", which does not ask it
CREATE TABLE retention (
  gateway TEXT PRIMARY KEY,
  at      INTEGER NOT NULL,  -- ms UTC
  known   TEXT NOT NULL      -- JSON: [[ms, [keys of selectors]], …]
) STRICT, WITHOUT ROWID;
`,
  `
-- what was learnt of a gateway: it changes how the gateway is asked, and proves nothing. Keys: memory.ts
CREATE TABLE gateway_memory (
  gateway TEXT NOT NULL,
  key     TEXT NOT NULL,
  json    TEXT NOT NULL,
  PRIMARY KEY (gateway, key)
) STRICT, WITHOUT ROWID;
INSERT INTO gateway_memory SELECT gateway, 'window ' || grp, CAST(ms AS TEXT) FROM window;
INSERT INTO gateway_memory SELECT gateway, 'width ' || grp, json_quote(width) FROM grouping;
INSERT INTO gateway_memory
  SELECT gateway, 'second-looks', json_object('looks', looks, 'points', points, 'late', late) FROM second_look;
INSERT INTO gateway_memory SELECT gateway, 'clock', json_object('host', host, 'gateway', shown) FROM clock;
INSERT INTO gateway_memory SELECT gateway, 'retention', json_object('at', at, 'known', json(known)) FROM retention;
DROP TABLE window;
DROP TABLE grouping;
DROP TABLE second_look;
DROP TABLE clock;
DROP TABLE retention;
`,
  `
-- ranges that were answered with no entry since the gateway's list was last read: their proof rests on the name
CREATE TABLE unconfirmed (
  target INTEGER NOT NULL REFERENCES target,
  after  INTEGER NOT NULL,
  until  INTEGER NOT NULL,
  PRIMARY KEY (target, after),
  CHECK (after < until)
) STRICT, WITHOUT ROWID;
`,
  `
-- what re-reads of provisional ranges have found: once called second looks
UPDATE gateway_memory SET key = 'rereads', json = json_object(
    'ranges', json ->> 'looks', 'points', json ->> 'points', 'late', json ->> 'late')
  WHERE key = 'second-looks';
`,
  `
-- the mark of ours that a database bears: one that bears an older one, or none, is not the one that the proof is about
CREATE TABLE database_mark (
  sink     TEXT PRIMARY KEY,
  id       TEXT NOT NULL,     -- names the mark in the database
  number   INTEGER NOT NULL,  -- the newest that was written; 0: none
  at       INTEGER NOT NULL,  -- ms UTC when it was written
  seen     INTEGER NOT NULL,  -- 1: it was read back
  identity TEXT NOT NULL      -- JSON: what the server told of itself then
) STRICT, WITHOUT ROWID;
-- ranges by the number of the mark that was written after they were recorded
CREATE TABLE recent (
  target INTEGER NOT NULL REFERENCES target,
  number INTEGER NOT NULL,
  after  INTEGER NOT NULL,
  until  INTEGER NOT NULL,
  PRIMARY KEY (target, number, after),
  CHECK (after < until)
) STRICT, WITHOUT ROWID;
-- a transfer of each measurement whose points can be counted: the newest one, and the newest that the database was seen to hold
CREATE TABLE point_sample (
  sink        TEXT NOT NULL,
  measurement TEXT NOT NULL,
  confirmed   INTEGER NOT NULL,  -- 1: it was seen to hold it
  target      INTEGER NOT NULL REFERENCES target,
  after       INTEGER NOT NULL,
  until       INTEGER NOT NULL,
  points      INTEGER NOT NULL,
  number      INTEGER NOT NULL,
  PRIMARY KEY (sink, measurement, confirmed)
) STRICT, WITHOUT ROWID;
`,
  `
-- what the points of a target are made by, JSON: [{ selector, form }, …]; NULL: not known
ALTER TABLE target ADD COLUMN rules TEXT;
-- nothing before it is fetched by these rules, ms UTC; NULL: no such moment
ALTER TABLE target ADD COLUMN since INTEGER;
-- another rule has taken its place, ms UTC: its proof is of points by the earlier rule; NULL: it is in use
ALTER TABLE target ADD COLUMN retired INTEGER;
`,
]
