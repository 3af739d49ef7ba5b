-- One row for each session. `record` is the session; the other columns are copies of what is asked for without it.
-- Times are milliseconds since the Unix epoch.
CREATE TABLE IF NOT EXISTS sessions (
    key BLOB NOT NULL PRIMARY KEY,
    application TEXT NOT NULL,
    name TEXT NOT NULL,
    revision BLOB NOT NULL,
    last_seen INTEGER NOT NULL,
    idle_deadline INTEGER NOT NULL,
    deadline INTEGER NOT NULL, -- the first of all its deadlines
    record BLOB NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS sessions_by_deadline ON sessions (deadline);
CREATE INDEX IF NOT EXISTS sessions_by_name ON sessions (application, name, deadline);

-- Which sessions a principal has, for each principal that has any.
CREATE TABLE IF NOT EXISTS session_rosters (
    key BLOB NOT NULL PRIMARY KEY,
    deadline INTEGER NOT NULL, -- it says nothing from then on
    roster BLOB NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS session_rosters_by_deadline ON session_rosters (deadline);
