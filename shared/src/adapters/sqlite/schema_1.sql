CREATE TABLE accounts (
  account INTEGER PRIMARY KEY,
  doc     TEXT NOT NULL
) STRICT;

CREATE TABLE buckets (
  account INTEGER NOT NULL,
  id      TEXT NOT NULL,
  doc     TEXT NOT NULL,
  PRIMARY KEY (account, id)
) STRICT;

CREATE TABLE exports (
  account INTEGER NOT NULL,
  request INTEGER NOT NULL,
  bucket  TEXT NOT NULL,
  active  INTEGER NOT NULL,
  doc     TEXT NOT NULL,
  PRIMARY KEY (account, request)
) STRICT;
CREATE INDEX exports_of_bucket ON exports (account, bucket) WHERE active;

-- Which request ids are taken in a bucket, by its name at Google, whichever accounts export there. Never deleted:
-- the objects stay in the bucket too.
CREATE TABLE request_ids (
  bucket_name TEXT NOT NULL,
  request     INTEGER NOT NULL,
  account     INTEGER NOT NULL,
  PRIMARY KEY (bucket_name, request)
) STRICT, WITHOUT ROWID;

CREATE TABLE runs (
  account INTEGER NOT NULL,
  request INTEGER NOT NULL,
  run     INTEGER NOT NULL,
  cut     INTEGER NOT NULL, -- the window's; oldest means the lowest
  status  TEXT NOT NULL,
  open    INTEGER NOT NULL,
  doc     TEXT NOT NULL,
  PRIMARY KEY (account, request, run),
  FOREIGN KEY (account, request) REFERENCES exports (account, request)
) STRICT;
CREATE INDEX runs_open ON runs (cut, account, request, run) WHERE open;

CREATE TABLE chunks (
  account      INTEGER NOT NULL,
  request      INTEGER NOT NULL,
  run          INTEGER NOT NULL,
  plan         TEXT NOT NULL,
  id           TEXT NOT NULL,
  state        TEXT NOT NULL,
  free_at      INTEGER,     -- from when on it may be leased: ready, the lowest number; none when finished
  published_at INTEGER,
  message      INTEGER NOT NULL,
  doc          TEXT NOT NULL,
  PRIMARY KEY (account, request, run, plan, id),
  FOREIGN KEY (account, request, run) REFERENCES runs (account, request, run)
) STRICT;
CREATE INDEX chunks_leased ON chunks (account, request, run, plan, free_at) WHERE state = 'leased';
CREATE INDEX chunks_claim ON chunks (account, request, run, plan, published_at, message, free_at)
  WHERE free_at IS NOT NULL;

-- How many chunks of a plan stand how. Counting them each time that one of a hundred thousand is completed would take
-- an hour; one writer at a time makes a counter harmless here, as it would not be in Firestore.
CREATE TABLE tallies (
  account INTEGER NOT NULL,
  request INTEGER NOT NULL,
  run     INTEGER NOT NULL,
  plan    TEXT NOT NULL,
  state   TEXT NOT NULL,
  chunks  INTEGER NOT NULL,
  PRIMARY KEY (account, request, run, plan, state)
) STRICT, WITHOUT ROWID;
CREATE TRIGGER chunk_added AFTER INSERT ON chunks BEGIN
  INSERT INTO tallies (account, request, run, plan, state, chunks)
    VALUES (NEW.account, NEW.request, NEW.run, NEW.plan, NEW.state, 1)
    ON CONFLICT DO UPDATE SET chunks = chunks + 1;
END;
CREATE TRIGGER chunk_changed AFTER UPDATE OF state ON chunks WHEN OLD.state <> NEW.state BEGIN
  UPDATE tallies SET chunks = chunks - 1 WHERE account = OLD.account AND request = OLD.request
    AND run = OLD.run AND plan = OLD.plan AND state = OLD.state;
  INSERT INTO tallies (account, request, run, plan, state, chunks)
    VALUES (NEW.account, NEW.request, NEW.run, NEW.plan, NEW.state, 1)
    ON CONFLICT DO UPDATE SET chunks = chunks + 1;
END;
CREATE TRIGGER chunk_deleted AFTER DELETE ON chunks BEGIN
  UPDATE tallies SET chunks = chunks - 1 WHERE account = OLD.account AND request = OLD.request
    AND run = OLD.run AND plan = OLD.plan AND state = OLD.state;
END;

CREATE TABLE columns (
  account INTEGER NOT NULL,
  request INTEGER NOT NULL,
  records TEXT NOT NULL, -- `profiles`, or `event:` and the event's name
  doc     TEXT NOT NULL,
  PRIMARY KEY (account, request, records)
) STRICT;

CREATE TABLE scanned_keys (
  account INTEGER NOT NULL,
  path    TEXT NOT NULL,
  keys    TEXT NOT NULL,
  PRIMARY KEY (account, path)
) STRICT;

CREATE TABLE ratios (
  account    INTEGER NOT NULL,
  format_key TEXT NOT NULL,
  event_name TEXT NOT NULL,
  ratio      REAL NOT NULL,
  PRIMARY KEY (account, format_key, event_name)
) STRICT;
