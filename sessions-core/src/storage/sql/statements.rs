//! The statements: one wording for every server, but where they have none in common.

use std::sync::Arc;

use sqlx::{AssertSqlSafe, SqlSafeStr as _, SqlStr};

use super::{Dialect, SqlTables};

pub(super) struct Statements {
    pub(super) columns_of_sessions: SqlStr,
    pub(super) columns_of_rosters: SqlStr,
    pub(super) insert: SqlStr,
    pub(super) select: SqlStr,
    pub(super) standing: SqlStr,
    pub(super) replace_at_revision: SqlStr,
    pub(super) replace_within_epoch: SqlStr,
    pub(super) touch: SqlStr,
    pub(super) delete: SqlStr,
    pub(super) replace_expired: SqlStr,
    pub(super) purge: SqlStr,
    pub(super) count: SqlStr,
    pub(super) delete_some: SqlStr,
    pub(super) insert_roster: SqlStr,
    pub(super) select_roster: SqlStr,
    pub(super) replace_roster: SqlStr,
    pub(super) delete_roster: SqlStr,
    pub(super) purge_rosters: SqlStr,
}

const COLUMNS_OF_SESSIONS: &str = "
    SELECT storage_key, kind, form, revision, epoch, version, fingerprint, last_seen, idle_deadline,
        absolute_deadline, ends, deadline, head, payload
    FROM {sessions} LIMIT 0";

const COLUMNS_OF_ROSTERS: &str = "SELECT roster_key, revision, deadline, roster FROM {rosters} LIMIT 0";

const INSERT: &str = "
    INSERT INTO {sessions} (storage_key, kind, form, revision, epoch, version, fingerprint, last_seen,
        idle_deadline, absolute_deadline, ends, deadline, head, payload)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";

/// A row whose deadline has passed makes room, in one step: in between nobody finds none.
const REPLACE_EXPIRED: &str = "
    UPDATE {sessions} SET storage_key = ?, kind = ?, form = ?, revision = ?, epoch = ?, version = ?,
        fingerprint = ?, last_seen = ?, idle_deadline = ?, absolute_deadline = ?, ends = ?, deadline = ?, head = ?,
        payload = ?
    WHERE storage_key = ? AND deadline <= ?";

const SELECT: &str = "
    SELECT revision, version, fingerprint, last_seen, idle_deadline, head, payload
    FROM {sessions} WHERE storage_key = ? AND deadline > ?";

const STANDING: &str =
    "SELECT form, revision, epoch, version FROM {sessions} WHERE storage_key = ? AND deadline > ?";

// MySQL computes assignments in their order, with what was assigned before: so the deadline comes before what it is of.
const REPLACE_AT_REVISION: &str = "
    UPDATE {sessions} SET revision = ?, epoch = ?, version = ?, fingerprint = ?, last_seen = GREATEST(last_seen, ?),
        deadline = LEAST(GREATEST(?, LEAST(idle_deadline, ?)), ?), idle_deadline = GREATEST(?, LEAST(idle_deadline, ?)),
        absolute_deadline = ?, ends = ?, head = ?, payload = ?
    WHERE storage_key = ? AND deadline > ? AND form = ? AND revision = ?";

const REPLACE_WITHIN_EPOCH: &str = "
    UPDATE {sessions} SET revision = ?, version = ?, fingerprint = ?, last_seen = GREATEST(last_seen, ?),
        deadline = LEAST(GREATEST(idle_deadline, LEAST(?, absolute_deadline)), ends),
        idle_deadline = GREATEST(idle_deadline, LEAST(?, absolute_deadline)), payload = ?
    WHERE storage_key = ? AND deadline > ? AND form = ? AND epoch = ? AND version <= ?";

const TOUCH: &str = "
    UPDATE {sessions} SET last_seen = GREATEST(last_seen, ?),
        deadline = LEAST(GREATEST(idle_deadline, LEAST(?, absolute_deadline)), ends),
        idle_deadline = GREATEST(idle_deadline, LEAST(?, absolute_deadline))
    WHERE storage_key = ? AND deadline > ? AND form = ? AND epoch = ?";

const DELETE: &str = "DELETE FROM {sessions} WHERE storage_key = ? AND deadline > ?";

const COUNT: &str = "SELECT count(*) FROM {sessions} WHERE kind = ? AND deadline > ?";

const INSERT_ROSTER: &str =
    "INSERT INTO {rosters} (roster_key, revision, deadline, roster) VALUES (?, ?, ?, ?)";

const SELECT_ROSTER: &str = "SELECT revision, roster FROM {rosters} WHERE roster_key = ?";

const REPLACE_ROSTER: &str =
    "UPDATE {rosters} SET revision = ?, deadline = ?, roster = ? WHERE roster_key = ? AND revision = ?";

const DELETE_ROSTER: &str = "DELETE FROM {rosters} WHERE roster_key = ? AND revision = ?";

impl Statements {
    pub(super) fn of<D: Dialect>(tables: &SqlTables) -> Self {
        let sql = |text: &str| -> SqlStr {
            // What a user gives is in it as quoted names only.
            AssertSqlSafe(Arc::<str>::from(tables.name_in::<D>(&numbered::<D>(text)))).into_sql_str()
        };
        let inserting = |text: &str| sql(&format!("{text}{}", D::UNLESS_THERE));
        Self {
            columns_of_sessions: sql(COLUMNS_OF_SESSIONS),
            columns_of_rosters: sql(COLUMNS_OF_ROSTERS),
            insert: inserting(INSERT),
            select: sql(SELECT),
            standing: sql(STANDING),
            replace_at_revision: sql(REPLACE_AT_REVISION),
            replace_within_epoch: sql(REPLACE_WITHIN_EPOCH),
            touch: sql(TOUCH),
            delete: sql(DELETE),
            replace_expired: sql(REPLACE_EXPIRED),
            purge: sql(D::PURGE),
            count: sql(COUNT),
            delete_some: sql(D::DELETE_SOME),
            insert_roster: inserting(INSERT_ROSTER),
            select_roster: sql(SELECT_ROSTER),
            replace_roster: sql(REPLACE_ROSTER),
            delete_roster: sql(DELETE_ROSTER),
            purge_rosters: sql(D::PURGE_ROSTERS),
        }
    }
}

/// The statement with the server's placeholders.
fn numbered<D: Dialect>(text: &str) -> String {
    let mut parts = text.split('?');
    let first = parts.next().unwrap_or_default().to_owned();
    parts.enumerate().fold(first, |mut sql, (before, part)| {
        sql.push_str(&D::placeholder(before + 1));
        sql.push_str(part);
        sql
    })
}
