//! What tower-sessions proves of itself, in this library's terms.

use std::time::Duration;

use sessions_actix::{
    ManualClock, Sessions, SessionsBuilder,
    options::Options,
    protection::{Encrypted, KeyRing, Signed},
    storage::{CachedStorage, MemoryStorage},
};

use crate::support::{Browser, MINUTE, Server, Visits, keys, numbers};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

async fn server(builder: SessionsBuilder) -> Server {
    Server::new(builder.build().unwrap(), numbers::<Visits>("")).await
}

/// Every kind of storage and protection.
async fn servers() -> [Server; 5] {
    let keys = keys();
    [
        server(Sessions::builder().server_side::<Visits>(MemoryStorage::new())).await,
        server(Sessions::builder().server_side::<Visits>(CachedStorage::new(MemoryStorage::new()))).await,
        server(Sessions::builder().server_side_with::<Visits>(MemoryStorage::new(), |o| o.signed(&keys)))
            .await,
        server(Sessions::builder().client_side::<Visits>(Encrypted::new(&keys))).await,
        server(Sessions::builder().client_side::<Visits>(Signed::new(&keys))).await,
    ]
}

#[actix_web::test]
async fn no_session_set() {
    for server in servers().await {
        let mut browser = Browser::new(&server);
        for path in [
            "/untouched",
            "/get",
            "/update",
            "/clear",
            "/rotate",
            "/take",
            "/status",
        ] {
            assert_eq!(browser.get(path).await.cookies(), [], "{path}");
        }
    }
}

#[actix_web::test]
async fn a_bogus_session_cookie_is_replaced() {
    let bogus = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    for server in servers().await {
        let mut browser = Browser::new(&server);
        browser.put("VISITS", bogus);
        let answer = browser.get("/insert").await;
        assert_eq!((answer.status.as_u16(), answer.text()), (200, "1"));
        assert_ne!(answer.cookie("VISITS").unwrap().value, bogus);
        assert_eq!(browser.get("/get").await.text(), "1");
    }
}

#[actix_web::test]
async fn a_malformed_session_cookie_is_replaced() {
    for server in servers().await {
        let mut browser = Browser::new(&server);
        browser.put("VISITS", "malformed");
        let answer = browser.get("/set/1").await;
        assert_eq!(answer.status, 200);
        assert_ne!(answer.cookie("VISITS").unwrap().value, "malformed");
    }
}

#[actix_web::test]
async fn insert_read_and_remove() {
    for server in servers().await {
        let mut browser = Browser::new(&server);
        assert_eq!(browser.get("/get").await.text(), "none");
        browser.get("/set/42").await;
        assert_eq!(browser.get("/get").await.text(), "42");
        browser.get("/clear").await;
        assert_eq!(browser.get("/get").await.text(), "none");
        assert_eq!(browser.value("VISITS"), None);
    }
}

#[actix_web::test]
async fn a_rotated_session_keeps_its_data_and_has_another_token() {
    for server in servers().await {
        let mut browser = Browser::new(&server);
        browser.get("/set/42").await;
        let token = browser.value("VISITS").unwrap().to_owned();
        browser.get("/rotate").await;
        assert_ne!(browser.value("VISITS").unwrap(), token);
        assert_eq!(browser.get("/get").await.text(), "42");
    }
}

#[actix_web::test]
async fn by_id_the_token_from_before_a_rotation_is_good_for_nothing() {
    for server in servers().await.into_iter().take(3) {
        let mut browser = Browser::new(&server);
        browser.get("/set/42").await;
        let mut before = browser.clone();
        browser.get("/rotate").await;
        let answer = before.get("/get").await;
        assert_eq!((answer.text(), answer.cookies()), ("none", vec![]));
        assert_eq!(before.get("/update").await.text(), "none");
        assert_eq!(before.get("/rotate").await.cookies(), []);
        assert_eq!(before.get("/take").await.text(), "none");
        assert_eq!(browser.get("/get").await.text(), "42");
    }
}

#[actix_web::test]
async fn a_flushed_session_has_an_empty_value_and_its_path_and_domain() {
    let with_domain =
        Sessions::builder().server_side_with::<Visits>(MemoryStorage::new(), |o| o.domain("localhost"));
    let mut browser = Browser::new(&server(with_domain).await);
    browser.get("/set/1").await;
    let removal = browser.get("/clear").await.cookie("VISITS").unwrap();
    assert!(removal.is_removal());
    assert_eq!(removal.attribute("Domain"), Some("localhost"));
    assert_eq!(removal.attribute("Path"), Some("/"));
    assert!(removal.has("Secure") && removal.has("HttpOnly"));
}

#[actix_web::test]
async fn an_identical_write_sends_no_cookie() {
    for server in servers().await {
        let mut browser = Browser::new(&server);
        assert!(browser.get("/set/42").await.cookie("VISITS").is_some());
        assert_eq!(browser.get("/set/42").await.cookies(), []);
    }
}

/// The three modes of expiry, for both places.
fn with<P>(mode: &str, options: Options<P>) -> Options<P> {
    let options = options.touch_interval(MINUTE);
    match mode {
        "on inactivity" => options.max_age(60 * MINUTE),
        "at a date and time" => options
            .idle_timeout(60 * MINUTE)
            .absolute_lifetime(60 * MINUTE)
            .max_age(60 * MINUTE),
        _ => options,
    }
}

async fn expiring(mode: &'static str, clock: &ManualClock) -> [Browser; 2] {
    let builder = || Sessions::builder().clock(clock.clone());
    let by_id = builder().server_side_with::<Visits>(MemoryStorage::new(), |o| with(mode, o));
    let by_value = builder().client_side_with::<Visits>(Encrypted::new(&keys()), |o| with(mode, o));
    [
        Browser::new(&server(by_id).await),
        Browser::new(&server(by_value).await),
    ]
}

#[actix_web::test]
async fn a_session_expires_on_inactivity() {
    let clock = ManualClock::default();
    for mut browser in expiring("on inactivity", &clock).await {
        assert!(
            browser
                .get("/set/1")
                .await
                .cookie("VISITS")
                .unwrap()
                .has("Max-Age")
        );
        for _ in 0..10 {
            clock.advance(59 * MINUTE);
            assert_eq!(browser.get("/get").await.text(), "1");
        }
        clock.advance(60 * MINUTE);
        assert_eq!(browser.get("/get").await.text(), "none");
    }
}

#[actix_web::test]
async fn a_session_expires_at_a_date_and_time() {
    let clock = ManualClock::default();
    for mut browser in expiring("at a date and time", &clock).await {
        browser.get("/set/1").await;
        clock.advance(30 * MINUTE);
        assert_eq!(browser.get("/set/2").await.status, 200);
        clock.advance(30 * MINUTE - Duration::from_millis(1));
        assert_eq!(browser.get("/get").await.text(), "2");
        clock.advance(Duration::from_millis(1));
        let answer = browser.get("/get").await;
        assert_eq!(answer.text(), "none");
        assert!(answer.cookie("VISITS").unwrap().is_removal());
    }
}

#[actix_web::test]
async fn a_session_ends_with_the_browsers() {
    let clock = ManualClock::default();
    for mut browser in expiring("on session end", &clock).await {
        let cookie = browser.get("/set/1").await.cookie("VISITS").unwrap();
        assert!(!cookie.has("Max-Age") && !cookie.has("Expires"));
        // The server has limits of its own all the same.
        clock.advance(30 * MINUTE);
        assert_eq!(browser.get("/get").await.text(), "none");
    }
}

#[actix_web::test]
async fn by_value_a_session_ends_at_its_deadline_whatever_its_cookie_says() {
    let clock = ManualClock::default();
    let [_, mut browser] = expiring("at a date and time", &clock).await;
    let cookie = browser.get("/set/1").await.cookie("VISITS").unwrap();
    assert_eq!(cookie.attribute("Max-Age"), Some("3600"));
    clock.advance(50 * MINUTE);
    let cookie = browser.get("/set/2").await.cookie("VISITS").unwrap();
    assert!(cookie.has("Max-Age"));
    clock.advance(10 * MINUTE);
    assert_eq!(
        browser.get("/get").await.text(),
        "none",
        "whatever the cookie says"
    );
}

/// A server of one application, in one of its configurations.
async fn configured(keys: &KeyRing, storage: &MemoryStorage, max_age: Option<Duration>) -> [Server; 2] {
    fn limited<P>(options: Options<P>, max_age: Option<Duration>) -> Options<P> {
        match max_age {
            Some(max_age) => options.max_age(max_age),
            None => options,
        }
    }
    let by_value =
        Sessions::builder().client_side_with::<Visits>(Encrypted::new(keys), |o| limited(o, max_age));
    let by_id = Sessions::builder().server_side_with::<Visits>(storage.clone(), |o| limited(o, max_age));
    [server(by_value).await, server(by_id).await]
}

#[actix_web::test]
async fn a_changed_expiry_holds_from_the_next_token() {
    let (keys, storage) = (keys(), MemoryStorage::new());
    let hour = configured(&keys, &storage, Some(60 * MINUTE)).await;
    let day = configured(&keys, &storage, Some(DAY)).await;
    let none = configured(&keys, &storage, None).await;
    for ((hour, day), none) in hour.iter().zip(&day).zip(&none) {
        let mut browser = Browser::new(hour);
        let first = browser.get("/set/1").await.cookie("VISITS").unwrap();
        assert!(first.has("Max-Age"));
        let mut longer = Browser::new(day);
        longer.put("VISITS", &first.value);
        assert_eq!(longer.get("/get").await.text(), "1");
        assert!(
            longer
                .get("/rotate")
                .await
                .cookie("VISITS")
                .unwrap()
                .has("Max-Age")
        );
        let mut transient = Browser::new(none);
        transient.put("VISITS", longer.value("VISITS").unwrap());
        let last = transient.get("/rotate").await.cookie("VISITS").unwrap();
        assert!(!last.has("Max-Age") && !last.has("Expires"));
        assert_eq!(transient.get("/get").await.text(), "1");
    }
}

#[actix_web::test]
async fn with_always_send_only_activity_moves_the_deadline() {
    let clock = ManualClock::default();
    for mode in ["on inactivity", "at a date and time"] {
        let sessions = Sessions::builder()
            .clock(clock.clone())
            .client_side_with::<Visits>(Encrypted::new(&keys()), |o| with(mode, o).always_send());
        let mut browser = Browser::new(&server(sessions).await);
        browser.get("/set/1").await;
        clock.advance(59 * MINUTE);
        assert!(browser.get("/get").await.cookie("VISITS").is_some());
        clock.advance(MINUTE);
        let expected = if mode == "on inactivity" { "1" } else { "none" };
        assert_eq!(browser.get("/get").await.text(), expected);
    }
}
