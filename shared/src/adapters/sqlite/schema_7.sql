-- Runs that may be retried: their buckets stay.
CREATE INDEX runs_incomplete ON runs (account, request) WHERE status = 'INCOMPLETE';
