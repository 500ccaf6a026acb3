-- What profiles files' footers said, and the lists of such files that the chunks of a plan share.
CREATE TABLE profile_notes (
  account INTEGER NOT NULL,
  path    TEXT NOT NULL,
  doc     TEXT NOT NULL,
  PRIMARY KEY (account, path)
) STRICT;

CREATE TABLE profile_lists (
  account  INTEGER NOT NULL,
  request  INTEGER NOT NULL,
  run      INTEGER NOT NULL,
  plan     TEXT NOT NULL,
  database INTEGER NOT NULL,
  part     INTEGER NOT NULL,
  doc      TEXT NOT NULL,
  PRIMARY KEY (account, request, run, plan, database, part),
  FOREIGN KEY (account, request, run) REFERENCES runs (account, request, run)
) STRICT;
