-- What lists of exports are filtered by, in the texts of the documents, and when an export's next run is due.
ALTER TABLE exports ADD COLUMN data      TEXT NOT NULL DEFAULT '';
ALTER TABLE exports ADD COLUMN format    TEXT NOT NULL DEFAULT '';
ALTER TABLE exports ADD COLUMN status    TEXT NOT NULL DEFAULT '';
ALTER TABLE exports ADD COLUMN frequency TEXT NOT NULL DEFAULT '';
-- Version 1 created one-time exports only, of which none is ever due.
ALTER TABLE exports ADD COLUMN due_at    INTEGER;
-- A damaged document stays damaged, and the file opens nevertheless.
UPDATE exports SET
    data      = coalesce(doc ->> '$.spec.data.kind', ''),
    format    = coalesce(doc ->> '$.spec.format', ''),
    status    = coalesce(doc ->> '$.status', ''),
    frequency = coalesce(doc ->> '$.spec.frequency.kind', '')
  WHERE json_valid(doc);

-- Covers the filters: a document is read only where it is listed.
CREATE INDEX exports_listed ON exports (account, request, bucket, data, format, status, frequency);
CREATE INDEX exports_due ON exports (due_at, account, request) WHERE active AND due_at IS NOT NULL;
CREATE INDEX exports_profiles_flow ON exports (account)
  WHERE active AND data = 'all-profiles' AND frequency <> 'one-time';
