//! What sets, changes and ends a session, by id and by value.

use actix_web::{
    HttpResponse,
    web::{ServiceConfig, get},
};
use sessions_actix::{
    CurrentSession, ManualClock, Sessions, Timestamp, protection::Encrypted, storage::MemoryStorage,
};

use crate::support::{Browser, MINUTE, Server, Spy, Visits, keys, numbers};

async fn by_id() -> (Server, Spy) {
    let spy = Spy::default();
    let sessions = Sessions::builder()
        .server_side::<Visits>(spy.clone())
        .build()
        .unwrap();
    (Server::new(sessions, routes).await, spy)
}

async fn by_value() -> Server {
    let sessions = Sessions::builder()
        .client_side::<Visits>(Encrypted::new(&keys()))
        .build()
        .unwrap();
    Server::new(sessions, routes).await
}

fn routes(config: &mut ServiceConfig) {
    config
        .configure(numbers::<Visits>(""))
        .route("/set-then-clear", get().to(set_then_clear))
        .route("/clear-then-set", get().to(clear_then_set))
        .route("/mutated", get().to(mutated))
        .route("/get-or-set", get().to(get_or_set))
        .route("/elsewhere", get().to(elsewhere))
        .route("/ages", get().to(ages));
}

async fn set_then_clear(session: CurrentSession<Visits>) -> actix_web::Result<HttpResponse> {
    session.set(Visits { count: 1 })?;
    session.clear()?;
    Ok(HttpResponse::Ok().finish())
}

async fn clear_then_set(session: CurrentSession<Visits>) -> actix_web::Result<HttpResponse> {
    session.clear()?;
    session.set(Visits { count: 9 })?;
    Ok(HttpResponse::Ok().finish())
}

async fn mutated(session: CurrentSession<Visits>) -> actix_web::Result<HttpResponse> {
    let before = session.get().map_or(0, |visits| visits.count);
    session.set(Visits { count: before + 1 })?;
    Ok(HttpResponse::Ok().finish())
}

async fn get_or_set(session: CurrentSession<Visits>) -> actix_web::Result<String> {
    let mut made = false;
    let visits = session.get_or_set_with(|| {
        made = true;
        Visits { count: 6 }
    })?;
    Ok(format!("{} {made}", visits.count))
}

/// A handle works in another thread, as long as the response waits for it.
async fn elsewhere(session: CurrentSession<Visits>) -> actix_web::Result<&'static str> {
    let thread = std::thread::spawn(move || session.set(Visits { count: 7 }));
    thread.join().unwrap()?;
    Ok("set")
}

async fn ages(session: CurrentSession<Visits>) -> actix_web::Result<String> {
    let millis = |time: Option<Timestamp>| time.map(Timestamp::as_millis);
    let seen = (
        millis(session.created_at()),
        millis(session.expires_at()),
        session.is_new(),
    );
    session.set(Visits { count: 1 })?;
    let set = (session.is_new(), session.public_id().is_some(), session.status());
    Ok(format!("{seen:?} {set:?}"))
}

#[actix_web::test]
async fn set_then_clear_with_none_coming_in_sends_nothing() {
    let (server, spy) = by_id().await;
    for server in [server, by_value().await] {
        let answer = server.get("/set-then-clear").await;
        assert_eq!(answer.status, 200);
        assert_eq!(answer.cookies(), []);
    }
    assert!(spy.calls().is_empty());
}

#[actix_web::test]
async fn clear_with_none_coming_in_sends_nothing() {
    let (server, spy) = by_id().await;
    for server in [server, by_value().await] {
        assert_eq!(server.get("/clear").await.cookies(), []);
    }
    assert!(spy.calls().is_empty());
}

#[actix_web::test]
async fn clear_then_set_starts_another_session() {
    let (server, _) = by_id().await;
    let mut browser = Browser::new(&server);
    browser.get("/set/1").await;
    let id = browser.get("/id").await;
    let mut before = browser.clone();
    browser.get("/clear-then-set").await;
    assert_eq!(browser.get("/get").await.text(), "9");
    assert_ne!(browser.get("/id").await.text(), id.text());
    assert_eq!(before.get("/get").await.text(), "none");
}

#[actix_web::test]
async fn by_id_the_storage_holds_the_data() {
    let (server, spy) = by_id().await;
    let mut browser = Browser::new(&server);
    let one = browser.get("/set/1").await.cookie("VISITS").unwrap();
    assert_eq!(spy.calls(), ["create"]);
    let changed = browser.get("/set/2000000").await;
    assert_eq!(changed.cookie("VISITS"), None, "the id stays");
    assert_eq!(spy.calls(), ["load", "replace"]);
    assert_eq!(browser.value("VISITS"), Some(one.value.as_str()));
    assert_eq!(browser.get("/get").await.text(), "2000000");
}

#[actix_web::test]
async fn by_value_the_data_travels_and_the_server_keeps_nothing() {
    let keys = keys();
    let server = async || {
        let sessions = Sessions::builder()
            .client_side::<Visits>(Encrypted::new(&keys))
            .build()
            .unwrap();
        Server::new(sessions, routes).await
    };
    let mut browser = Browser::new(&server().await);
    browser.get("/set/7").await;
    // Another process that has the same key.
    let mut elsewhere = Browser::new(&server().await);
    elsewhere.put("VISITS", browser.value("VISITS").unwrap());
    assert_eq!(elsewhere.get("/get").await.text(), "7");
}

#[actix_web::test]
async fn a_changed_id_gives_no_session() {
    let (server, _) = by_id().await;
    let mut browser = Browser::new(&server);
    browser.get("/set/1").await;
    let token = browser.value("VISITS").unwrap().to_owned();
    let changed = token.replacen(&token[..1], if token.starts_with('A') { "B" } else { "A" }, 1);
    let mut other = browser.clone();
    other.put("VISITS", &changed);
    let answer = other.get("/get").await;
    assert_eq!((answer.status.as_u16(), answer.text()), (200, "none"));
    assert_eq!(
        browser.get("/get").await.text(),
        "1",
        "the session itself is as it was"
    );
}

/// A token of the right form that no session has.
async fn unknown_token() -> String {
    let (elsewhere, _) = by_id().await;
    let mut browser = Browser::new(&elsewhere);
    browser.get("/set/1").await;
    browser.value("VISITS").unwrap().to_owned()
}

#[actix_web::test]
async fn after_an_unknown_id_the_next_set_gets_a_new_one() {
    let (server, spy) = by_id().await;
    let mut browser = Browser::new(&server);
    let unknown = unknown_token().await;
    browser.put("VISITS", &unknown);
    let answer = browser.get("/set/3").await;
    let cookie = answer.cookie("VISITS").unwrap();
    assert_ne!(cookie.value, unknown);
    // Neither half of what the client chose.
    assert_ne!(cookie.value[..20], unknown[..20]);
    assert_ne!(cookie.value[44..], unknown[44..]);
    assert_eq!(spy.calls(), ["load", "create"]);
    assert_eq!(browser.get("/get").await.text(), "3");
}

#[actix_web::test]
async fn reading_an_unknown_id_removes_the_cookie() {
    let (server, spy) = by_id().await;
    let mut browser = Browser::new(&server);
    browser.put("VISITS", &unknown_token().await);
    let answer = browser.get("/get").await;
    assert_eq!(answer.text(), "none");
    assert!(answer.cookie("VISITS").unwrap().is_removal());
    assert_eq!(spy.calls(), ["load"], "and nothing is created");
    assert_eq!(browser.value("VISITS"), None);
    assert_eq!(browser.get("/get").await.cookies(), []);
}

#[actix_web::test]
async fn an_unknown_id_that_nobody_reads_stays() {
    let (server, spy) = by_id().await;
    let mut browser = Browser::new(&server);
    browser.put("VISITS", &unknown_token().await);
    assert_eq!(browser.get("/untouched").await.cookies(), []);
    assert!(spy.calls().is_empty());
}

#[actix_web::test]
async fn clearing_an_unknown_id_removes_the_cookie_and_deletes_nothing() {
    let (server, spy) = by_id().await;
    let mut browser = Browser::new(&server);
    browser.put("VISITS", &unknown_token().await);
    assert!(browser.get("/clear").await.cookie("VISITS").unwrap().is_removal());
    assert_eq!(spy.calls(), ["load"]);
}

#[actix_web::test]
async fn the_same_value_set_again_is_not_written() {
    let (server, spy) = by_id().await;
    for server in [server, by_value().await] {
        let mut browser = Browser::new(&server);
        browser.get("/set/5").await;
        spy.calls();
        assert_eq!(browser.get("/set/5").await.cookies(), []);
        assert!(!spy.calls().contains(&"replace"));
    }
}

#[actix_web::test]
async fn a_value_mutated_and_set_again_is_seen_as_changed() {
    let (server, spy) = by_id().await;
    for server in [server, by_value().await] {
        let mut browser = Browser::new(&server);
        for expected in 1..=3 {
            browser.get("/mutated").await;
            assert_eq!(browser.get("/get").await.text(), expected.to_string());
        }
    }
    assert_eq!(spy.calls().iter().filter(|call| **call == "replace").count(), 2);
}

#[actix_web::test]
async fn a_cleared_session_is_gone_for_whoever_kept_its_id() {
    let (server, spy) = by_id().await;
    let mut browser = Browser::new(&server);
    browser.get("/set/1").await;
    let mut thief = browser.clone();
    spy.calls();
    assert!(browser.get("/clear").await.cookie("VISITS").unwrap().is_removal());
    assert_eq!(spy.calls(), ["load", "delete"]);
    assert_eq!(thief.get("/get").await.text(), "none");
    assert_eq!(thief.get("/update").await.text(), "none");
    assert_eq!(thief.get("/get").await.text(), "none");
}

#[actix_web::test]
async fn a_login_takes_the_place_of_the_session_before_it() {
    let (server, spy) = by_id().await;
    let mut victim = Browser::new(&server);
    // A session that the attacker has begun and planted.
    victim.get("/set/0").await;
    let mut attacker = victim.clone();
    spy.calls();
    let answer = victim.get("/start/1").await;
    assert_ne!(
        answer.cookie("VISITS").unwrap().value,
        attacker.value("VISITS").unwrap()
    );
    assert_eq!(spy.calls(), ["load", "create", "delete"]);
    assert_eq!(attacker.get("/get").await.text(), "none");
    assert_eq!(victim.get("/get").await.text(), "1");
}

#[actix_web::test]
async fn an_update_lasts_beyond_its_request() {
    let (server, _) = by_id().await;
    for server in [server, by_value().await] {
        let mut browser = Browser::new(&server);
        assert_eq!(browser.get("/update").await.text(), "none");
        browser.get("/set/1").await;
        assert_eq!(browser.get("/update").await.text(), "2");
        assert_eq!(browser.get("/update").await.text(), "3");
        assert_eq!(browser.get("/get").await.text(), "3");
    }
}

#[actix_web::test]
async fn update_or_insert_begins_and_then_counts() {
    let (server, _) = by_id().await;
    for server in [server, by_value().await] {
        let mut browser = Browser::new(&server);
        for expected in ["1", "2", "3"] {
            assert_eq!(browser.get("/insert").await.text(), expected);
        }
        assert_eq!(browser.get("/get").await.text(), "3");
    }
}

#[actix_web::test]
async fn take_gives_the_value_once() {
    let (server, _) = by_id().await;
    let mut browser = Browser::new(&server);
    browser.get("/set/4").await;
    let mut copy = browser.clone();
    let answer = browser.get("/take").await;
    assert_eq!(answer.text(), "4");
    assert!(answer.cookie("VISITS").unwrap().is_removal());
    assert_eq!(copy.get("/take").await.text(), "none");
}

#[actix_web::test]
async fn a_read_session_outside_its_storage_is_no_session() {
    let sessions = |storage| {
        let builder = Sessions::builder().server_side::<Visits>(storage);
        builder.build().unwrap()
    };
    let storage = MemoryStorage::new();
    let mut browser = Browser::new(&Server::new(sessions(storage.clone()), routes).await);
    browser.get("/set/1").await;
    let token = browser.value("VISITS").unwrap();
    let mut same = Browser::new(&Server::new(sessions(storage), routes).await);
    same.put("VISITS", token);
    assert_eq!(same.get("/get").await.text(), "1");
    let mut other = Browser::new(&Server::new(sessions(MemoryStorage::new()), routes).await);
    other.put("VISITS", token);
    assert_eq!(other.get("/get").await.text(), "none");
}

#[actix_web::test]
async fn get_or_set_with_makes_a_value_only_where_there_is_none() {
    let (server, spy) = by_id().await;
    for server in [server, by_value().await] {
        let mut browser = Browser::new(&server);
        assert_eq!(browser.get("/get-or-set").await.text(), "6 true");
        assert_eq!(browser.get("/get-or-set").await.text(), "6 false");
    }
    assert_eq!(spy.calls(), ["create", "load"]);
}

#[actix_web::test]
async fn a_handle_can_be_used_in_another_thread() {
    let (server, _) = by_id().await;
    for server in [server, by_value().await] {
        let mut browser = Browser::new(&server);
        browser.get("/elsewhere").await;
        assert_eq!(browser.get("/get").await.text(), "7");
    }
}

#[actix_web::test]
async fn a_session_tells_when_it_began_and_when_it_ends() {
    for by_value in [false, true] {
        let clock = ManualClock::new(Timestamp::from_millis(1_000_000));
        let builder = Sessions::builder().clock(clock.clone());
        let builder = if by_value {
            builder.client_side::<Visits>(Encrypted::new(&keys()))
        } else {
            builder.server_side::<Visits>(MemoryStorage::new())
        };
        let mut browser = Browser::new(&Server::new(builder.build().unwrap(), routes).await);
        assert_eq!(
            browser.get("/ages").await.text(),
            "(None, None, false) (true, true, New)"
        );
        clock.advance(10 * MINUTE);
        assert_eq!(
            browser.get("/ages").await.text(),
            "(Some(1000000), Some(2800000), false) (false, true, Live)"
        );
        assert_eq!(
            browser.get("/ages").await.text(),
            "(Some(1000000), Some(3400000), false) (false, true, Live)",
            "it was used ten minutes later"
        );
    }
}
