-- What a chunk has written stands beside its document, for sums and pages of files. Objects of earlier versions are
-- ordered by their chunks' ids.
ALTER TABLE chunks ADD COLUMN object TEXT;
ALTER TABLE chunks ADD COLUMN rows   INTEGER NOT NULL DEFAULT 0;
ALTER TABLE chunks ADD COLUMN bytes  INTEGER NOT NULL DEFAULT 0;
UPDATE chunks SET
    object = id,
    rows   = coalesce(doc ->> '$.object.rows', 0),
    bytes  = coalesce(doc ->> '$.object.bytes', 0)
  WHERE state = 'done' AND json_valid(doc) AND doc ->> '$.object.bytes' IS NOT NULL;
CREATE INDEX chunks_written ON chunks (account, request, run, plan, object, rows, bytes) WHERE object IS NOT NULL;

-- Under which keys exports were created, for a day.
CREATE TABLE creations (
  account     INTEGER NOT NULL,
  key         TEXT NOT NULL,
  fingerprint TEXT NOT NULL,
  request     INTEGER NOT NULL,
  created_at  INTEGER NOT NULL,
  PRIMARY KEY (account, key),
  FOREIGN KEY (account, request) REFERENCES exports (account, request)
) STRICT, WITHOUT ROWID;
CREATE INDEX creations_old ON creations (created_at);

CREATE TABLE catalogue_marks (
  account INTEGER PRIMARY KEY,
  doc     TEXT NOT NULL
) STRICT;
-- `records`: `profiles`, or `event:` and the event's name.
CREATE TABLE catalogue_days (
  account INTEGER NOT NULL,
  settled INTEGER NOT NULL, -- 0: of files behind the mark, replaced by each update
  date    TEXT NOT NULL,
  records TEXT NOT NULL,
  doc     TEXT NOT NULL,
  PRIMARY KEY (account, settled, date, records)
) STRICT, WITHOUT ROWID;
CREATE TABLE catalogue_totals (
  account INTEGER NOT NULL,
  records TEXT NOT NULL,
  doc     TEXT NOT NULL,
  PRIMARY KEY (account, records)
) STRICT, WITHOUT ROWID;
