-- One row for each session. `head` is the session but for what the other columns say.
-- Times are milliseconds since the Unix epoch.
CREATE TABLE IF NOT EXISTS {sessions} (
    storage_key binary(32) NOT NULL PRIMARY KEY,
    kind binary(32) NOT NULL, -- SHA-256 of the application's and the session's name
    form bigint NOT NULL, -- of `head`
    revision binary(16) NOT NULL,
    epoch bigint NOT NULL,
    version bigint NOT NULL,
    fingerprint binary(16) NOT NULL,
    last_seen bigint NOT NULL,
    idle_deadline bigint NOT NULL,
    absolute_deadline bigint NOT NULL,
    ends bigint NOT NULL, -- however much it is used
    deadline bigint NOT NULL, -- the first of all its deadlines
    head longblob NOT NULL,
    payload longblob NOT NULL,
    INDEX {sessions_by_deadline} (deadline),
    INDEX {sessions_by_kind} (kind, deadline)
) ENGINE = InnoDB;

-- Which sessions a principal has, for each principal that has any.
CREATE TABLE IF NOT EXISTS {rosters} (
    roster_key binary(32) NOT NULL PRIMARY KEY,
    revision binary(16) NOT NULL,
    deadline bigint NOT NULL, -- it says nothing from then on
    roster longblob NOT NULL,
    INDEX {rosters_by_deadline} (deadline)
) ENGINE = InnoDB;
