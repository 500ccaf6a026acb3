-- The stories of buckets that fail, newest last by their ids, and what customers are told of them.
CREATE TABLE incidents (
  account INTEGER NOT NULL,
  id      TEXT NOT NULL,
  open    INTEGER NOT NULL,
  doc     TEXT NOT NULL,
  PRIMARY KEY (account, id)
) STRICT;
CREATE INDEX incidents_open ON incidents (account, id) WHERE open;

CREATE TABLE mailings (
  account INTEGER NOT NULL,
  id      TEXT NOT NULL,
  doc     TEXT NOT NULL,
  PRIMARY KEY (account, id)
) STRICT;

CREATE TABLE notices (
  id              TEXT NOT NULL PRIMARY KEY,
  account         INTEGER NOT NULL,
  channel         TEXT NOT NULL,
  owed            INTEGER NOT NULL,
  next_attempt_at INTEGER NOT NULL,
  created_at      INTEGER NOT NULL,
  doc             TEXT NOT NULL
) STRICT;
CREATE INDEX notices_owed ON notices (channel, created_at, id, next_attempt_at) WHERE owed;
CREATE INDEX notices_of_account ON notices (account, created_at, id);

CREATE INDEX buckets_blocked ON buckets (account, id)
  WHERE CASE WHEN json_valid(doc) THEN doc ->> '$.state.state' END = 'blocked';
