-- An export's runs that have not ended, oldest first: a live export has thousands that have.
CREATE INDEX runs_open_of_export ON runs (account, request, cut, run) WHERE open;
