//! One session as a row.

use sqlx::{Sqlite, query::Query, sqlite::SqliteArguments};

use crate::{Record, Revision, StorageError, StorageKey, Timestamp};

pub(super) type Statement = Query<'static, Sqlite, SqliteArguments>;

pub(super) const SELECT: &str = "SELECT record FROM sessions WHERE key = ?1";

/// A row whose deadline has passed makes room.
const INSERT: &str = "
    INSERT INTO sessions (key, application, name, revision, last_seen, idle_deadline, deadline, record)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
    ON CONFLICT (key) DO UPDATE SET
        application = excluded.application, name = excluded.name, revision = excluded.revision,
        last_seen = excluded.last_seen, idle_deadline = excluded.idle_deadline,
        deadline = excluded.deadline, record = excluded.record
    WHERE deadline <= ?9";

const UPDATE: &str = "
    UPDATE sessions SET
        application = ?2, name = ?3, revision = ?4, last_seen = ?5, idle_deadline = ?6, deadline = ?7, record = ?8
    WHERE key = ?1";

/// Where no touch has come in between: else the record has to be merged first.
const UPDATE_AT_REVISION: &str = "
    UPDATE sessions SET
        application = ?2, name = ?3, revision = ?4, last_seen = ?5, idle_deadline = ?6, deadline = ?7, record = ?8
    WHERE key = ?1 AND deadline > ?9 AND revision = ?10 AND last_seen <= ?5 AND idle_deadline <= ?6";

const DELETE: &str = "DELETE FROM sessions WHERE key = ?1 AND deadline > ?2";

/// Changes one row unless a live one is there.
pub(super) fn insert(key: &StorageKey, record: &Record, now: Timestamp) -> Result<Statement, StorageError> {
    Ok(write(INSERT, key, record)?.bind(moment(now)))
}

/// Puts a record in the place of the one that was read in the same transaction.
pub(super) fn update(key: &StorageKey, record: &Record) -> Result<Statement, StorageError> {
    write(UPDATE, key, record)
}

/// Changes one row if [`Record::replaced_by`] would make `record` of it, unchanged; else none.
pub(super) fn update_at(
    key: &StorageKey,
    record: &Record,
    revision: Revision,
    now: Timestamp,
) -> Result<Statement, StorageError> {
    Ok(write(UPDATE_AT_REVISION, key, record)?
        .bind(moment(now))
        .bind(revision.0.to_vec()))
}

/// Changes one row if a live one is there. One that has expired is left to the purge.
pub(super) fn delete(key: &StorageKey, now: Timestamp) -> Statement {
    sqlx::query(DELETE).bind(bytes(key)).bind(moment(now))
}

fn write(sql: &'static str, key: &StorageKey, record: &Record) -> Result<Statement, StorageError> {
    let encoded = record.to_bytes().map_err(StorageError::unavailable)?;
    let times = &record.times;
    Ok(sqlx::query(sql)
        .bind(bytes(key))
        .bind(record.application.to_string())
        .bind(record.name.to_string())
        .bind(record.revision.0.to_vec())
        .bind(time(times.last_seen))
        .bind(time(times.idle_deadline))
        .bind(time(times.deadline()))
        .bind(encoded))
}

pub(super) fn bytes(key: &StorageKey) -> Vec<u8> {
    key.as_bytes().to_vec()
}

/// A time for a column. SQLite's integers have a sign; the rest of time is one point.
pub(super) fn time(time: Timestamp) -> i64 {
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX)
}

/// A time to compare columns with. It never reaches that point, so that what never ends does not end.
pub(super) fn moment(now: Timestamp) -> i64 {
    time(now).min(i64::MAX - 1)
}
