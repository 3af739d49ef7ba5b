//! The index by principal, in rows.

use std::time::Duration;

use sessions_core::{
    Principal, PublicId, StorageError, StorageKey, Timestamp,
    storage::{
        IndexKey, Member, Reservation, Reserved, Roster, SessionIndex as _, SessionStorage, SqliteStorage,
        contract::NOW,
    },
};

use crate::{folder, in_memory, run};

const HOUR: Duration = Duration::from_secs(3600);

pub(crate) fn key(principal: &str) -> IndexKey {
    IndexKey::new("shop", "login", &Principal::new(principal))
}

fn session(number: u8) -> StorageKey {
    StorageKey::from_bytes([number; 32])
}

pub(crate) fn place(number: u8, limit: Option<usize>) -> Reservation {
    Reservation {
        session: Member {
            key: session(number),
            public_id: PublicId::from_bytes(&[number; 16]).unwrap(),
            created: NOW.after(Duration::from_secs(number.into())),
            ends: NOW.after(100 * HOUR),
        },
        began: NOW,
        replaces: None,
        limit,
    }
}

/// The sessions that are confirmed.
async fn members(storage: &SqliteStorage, principal: &str, now: Timestamp) -> Vec<StorageKey> {
    let members = storage
        .index()
        .unwrap()
        .members(key(principal), now)
        .await
        .unwrap();
    members.into_iter().map(|member| member.key).collect()
}

#[tokio::test]
async fn what_was_confirmed_is_listed_and_survives_reopening() {
    let (_folder, path) = folder();
    let storage = SqliteStorage::open(&path).await.unwrap();
    for number in [3, 1, 2] {
        assert_eq!(
            storage
                .reserve(key("anna"), place(number, None), NOW)
                .await
                .unwrap(),
            Reserved::Reserved
        );
        assert!(!members(&storage, "anna", NOW).await.contains(&session(number)));
        assert!(storage.confirm(key("anna"), session(number), NOW).await.unwrap());
    }
    drop(storage);
    let storage = SqliteStorage::open(&path).await.unwrap();
    assert_eq!(
        members(&storage, "anna", NOW).await,
        [session(1), session(2), session(3)]
    );
    assert_eq!(members(&storage, "berta", NOW).await, []);
    storage.release(key("anna"), session(2), NOW).await.unwrap();
    assert_eq!(members(&storage, "anna", NOW).await, [session(1), session(3)]);
    assert!(!storage.confirm(key("anna"), session(2), NOW).await.unwrap());
}

#[tokio::test]
async fn a_roster_that_says_nothing_is_not_kept() {
    let pool = in_memory().await;
    let storage = SqliteStorage::from_pool(pool.clone()).await.unwrap();
    let rosters = async || -> i64 {
        let count = sqlx::query_scalar("SELECT count(*) FROM session_rosters");
        count.fetch_one(&pool).await.unwrap()
    };
    storage.release(key("anna"), session(1), NOW).await.unwrap();
    assert!(!storage.confirm(key("anna"), session(1), NOW).await.unwrap());
    assert_eq!(rosters().await, 0);
    storage.reserve(key("anna"), place(1, None), NOW).await.unwrap();
    assert_eq!(rosters().await, 1);
    storage.release(key("anna"), session(1), NOW).await.unwrap();
    assert_eq!(rosters().await, 0);

    storage.reserve(key("anna"), place(1, None), NOW).await.unwrap();
    storage.confirm(key("anna"), session(1), NOW).await.unwrap();
    storage.cut_off(key("berta"), NOW).await.unwrap();
    storage.reserve(key("clara"), place(2, None), NOW).await.unwrap();
    let before = |duration: Duration| NOW.after(duration - Duration::from_millis(1));
    for (now, left) in [
        (before(Roster::LEASE), 3),
        (NOW.after(Roster::LEASE), 2),
        (before(Roster::CUT_OFF_KEPT), 2),
        (NOW.after(Roster::CUT_OFF_KEPT), 1),
        (before(100 * HOUR), 1),
        (NOW.after(100 * HOUR), 0),
    ] {
        assert_eq!(storage.purge_expired(10, now).await.unwrap(), 0);
        assert_eq!(rosters().await, left, "{now:?}");
    }
}

#[tokio::test]
async fn a_clock_that_goes_back_frees_no_roster_early() {
    let pool = in_memory().await;
    let storage = SqliteStorage::from_pool(pool.clone()).await.unwrap();
    let later = NOW.after(Roster::LEASE);
    storage.cut_off(key("anna"), later).await.unwrap();
    storage
        .reserve(
            key("anna"),
            Reservation {
                began: later,
                ..place(1, None)
            },
            NOW,
        )
        .await
        .unwrap();
    storage
        .purge_expired(10, NOW.after(Roster::CUT_OFF_KEPT))
        .await
        .unwrap();
    let early = storage
        .reserve(key("anna"), place(2, None), NOW.after(Roster::CUT_OFF_KEPT))
        .await;
    assert_eq!(early.unwrap(), Reserved::CutOff);
}

#[tokio::test]
async fn a_roster_that_cannot_be_read_is_said_to_be() {
    let pool = in_memory().await;
    let storage = SqliteStorage::from_pool(pool.clone()).await.unwrap();
    for garbage in ["x''", "x'00'", "x'01FF'", "x'FF'"] {
        storage.reserve(key("anna"), place(1, None), NOW).await.unwrap();
        let sql = format!("UPDATE session_rosters SET roster = {garbage}");
        sqlx::raw_sql(sqlx::AssertSqlSafe(sql))
            .execute(&pool)
            .await
            .unwrap();
        let error = storage.members(key("anna"), NOW).await.unwrap_err();
        assert!(matches!(error, StorageError::Unreadable(_)), "{error:?}");
        let error = storage
            .reserve(key("anna"), place(1, None), NOW)
            .await
            .unwrap_err();
        assert!(matches!(error, StorageError::Unreadable(_)), "{error:?}");
        run(&pool, "DELETE FROM session_rosters").await;
    }
}
