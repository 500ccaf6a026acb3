-- Buckets that customers want to connect, sealed, until the check has passed or their time is over.
CREATE TABLE bucket_candidates (
  account    INTEGER NOT NULL,
  id         TEXT NOT NULL,
  expires_at INTEGER NOT NULL,
  doc        TEXT NOT NULL,
  PRIMARY KEY (account, id)
) STRICT;
CREATE INDEX bucket_candidates_expired ON bucket_candidates (expires_at);
