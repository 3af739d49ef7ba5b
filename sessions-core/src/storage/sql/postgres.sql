-- Nodes that start at once take turns: PostgreSQL does not make them by itself.
SELECT pg_advisory_xact_lock(7350816304811247982);

-- One row for each session. `head` is the session but for what the other columns say.
-- Times are milliseconds since the Unix epoch.
CREATE TABLE IF NOT EXISTS {sessions} (
    storage_key bytea NOT NULL PRIMARY KEY,
    kind bytea NOT NULL, -- SHA-256 of the application's and the session's name
    form bigint NOT NULL, -- of `head`
    revision bytea NOT NULL,
    epoch bigint NOT NULL,
    version bigint NOT NULL,
    fingerprint bytea NOT NULL,
    last_seen bigint NOT NULL,
    idle_deadline bigint NOT NULL,
    absolute_deadline bigint NOT NULL,
    ends bigint NOT NULL, -- however much it is used
    deadline bigint NOT NULL, -- the first of all its deadlines
    head bytea NOT NULL,
    payload bytea NOT NULL
);
CREATE INDEX IF NOT EXISTS {sessions_by_deadline} ON {sessions} (deadline);
CREATE INDEX IF NOT EXISTS {sessions_by_kind} ON {sessions} (kind, deadline);

-- Which sessions a principal has, for each principal that has any.
CREATE TABLE IF NOT EXISTS {rosters} (
    roster_key bytea NOT NULL PRIMARY KEY,
    revision bytea NOT NULL,
    deadline bigint NOT NULL, -- it says nothing from then on
    roster bytea NOT NULL
);
CREATE INDEX IF NOT EXISTS {rosters_by_deadline} ON {rosters} (deadline);
