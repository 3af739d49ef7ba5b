//! The cookie: its name and attributes, and that its removal has the same ones.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use sessions_actix::{
    ConfigError, ManualClock, SameSite, Session, Sessions, Timestamp,
    options::{ClientSide, Options, ServerSide},
    protection::Encrypted,
    storage::MemoryStorage,
};

use crate::support::{Browser, MINUTE, Server, SetCookie, Visits, keys, numbers, ok};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

async fn by_value(options: impl FnOnce(Options<ClientSide>) -> Options<ClientSide>) -> Server {
    let sessions = Sessions::builder()
        .clock(ManualClock::default())
        .client_side_with::<Visits>(Encrypted::new(&keys()), options)
        .build()
        .unwrap();
    Server::new(sessions, numbers::<Visits>("")).await
}

async fn by_id(options: impl FnOnce(Options<ServerSide>) -> Options<ServerSide>) -> Server {
    let sessions = Sessions::builder()
        .clock(ManualClock::default())
        .server_side_with::<Visits>(MemoryStorage::new(), options)
        .build()
        .unwrap();
    Server::new(sessions, numbers::<Visits>("")).await
}

async fn sent(server: &Server) -> SetCookie {
    server.get("/set/1").await.cookie("VISITS").unwrap()
}

fn attributes(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    let owned = expected
        .iter()
        .map(|(name, value)| ((*name).into(), (*value).into()));
    let mut attributes: Vec<_> = owned.collect();
    attributes.sort();
    attributes
}

#[actix_web::test]
async fn a_session_cookie_without_max_age_has_neither_max_age_nor_expires() {
    for server in [by_value(|o| o).await, by_id(|o| o).await] {
        assert_eq!(
            sent(&server).await.attributes,
            attributes(&[
                ("HttpOnly", ""),
                ("Path", "/"),
                ("SameSite", "Lax"),
                ("Secure", "")
            ])
        );
    }
}

#[actix_web::test]
async fn by_value_a_session_keeps_domain_max_age_and_expires() {
    let server = by_value(|o| o.domain("example.com").max_age(DAY)).await;
    let expected = attributes(&[
        ("Domain", "example.com"),
        ("Expires", "Fri, 02 Jan 2026 00:00:00 GMT"),
        ("HttpOnly", ""),
        ("Max-Age", "86400"),
        ("Path", "/"),
        ("SameSite", "Lax"),
        ("Secure", ""),
    ]);
    let mut browser = Browser::new(&server).at("www.example.com");
    for path in ["/set/1", "/set/2", "/update"] {
        assert_eq!(
            browser.get(path).await.cookie("VISITS").unwrap().attributes,
            expected
        );
    }
}

#[actix_web::test]
async fn by_id_the_cookie_stays_for_what_is_left_of_the_absolute_lifetime() {
    let clock = ManualClock::default();
    let sessions = Sessions::builder()
        .clock(clock.clone())
        .server_side_with::<Visits>(MemoryStorage::new(), |o| {
            o.max_age(DAY).idle_timeout(2 * DAY).absolute_lifetime(3 * DAY)
        })
        .build()
        .unwrap();
    let mut browser = Browser::new(&Server::new(sessions, numbers::<Visits>("")).await);
    let begun = browser.get("/set/1").await.cookie("VISITS").unwrap();
    assert_eq!(begun.attribute("Max-Age"), Some("259200"));
    assert_eq!(begun.attribute("Expires"), Some("Sun, 04 Jan 2026 00:00:00 GMT"));
    clock.advance(DAY);
    let rotated = browser.get("/rotate").await.cookie("VISITS").unwrap();
    assert_eq!(rotated.attribute("Max-Age"), Some("172800"));
    assert_eq!(
        rotated.attribute("Expires"),
        Some("Sun, 04 Jan 2026 00:00:00 GMT")
    );
}

#[actix_web::test]
async fn a_browser_that_was_closed_keeps_a_cookie_only_if_it_has_a_max_age_and_only_so_long() {
    let clock = ManualClock::default();
    for (server, keeps) in [
        (by_value(|o| o).await, false),
        (by_id(|o| o).await, false),
        (by_value(|o| o.max_age(DAY)).await, true),
        (by_id(|o| o.max_age(DAY)).await, true),
    ] {
        let mut browser = Browser::new(&server).by(&clock);
        browser.get("/set/1").await;
        let browser = browser.reopened();
        assert_eq!(browser.value("VISITS").is_some(), keeps);
        clock.advance(400 * DAY);
        assert_eq!(browser.value("VISITS"), None);
    }
}

#[actix_web::test]
async fn every_attribute_that_is_set_is_sent() {
    for same_site in [SameSite::Strict, SameSite::Lax, SameSite::None] {
        let server = by_id(|o| o.same_site(same_site).path("/set").partitioned(true)).await;
        assert_eq!(
            sent(&server).await.attributes,
            attributes(&[
                ("HttpOnly", ""),
                ("Partitioned", ""),
                ("Path", "/set"),
                ("SameSite", same_site.as_str()),
                ("Secure", ""),
            ])
        );
    }
}

#[actix_web::test]
async fn no_attribute_that_is_unset_is_sent() {
    let server = by_id(|o| o.secure(false).http_only(false)).await;
    assert_eq!(
        sent(&server).await.attributes,
        attributes(&[("Path", "/"), ("SameSite", "Lax")])
    );
}

#[derive(Session, Serialize, Deserialize)]
#[session(
    name = "WRITTEN",
    transport = cookie(path = "/set", domain = "example.com", secure, http_only = false, same_site = strict, partitioned),
    max_age = "7 days"
)]
struct Written {
    count: u32,
}

#[actix_web::test]
async fn the_derive_says_the_same_as_the_options() {
    let sessions = Sessions::builder()
        .clock(ManualClock::default())
        .client_side::<Written>(Encrypted::new(&keys()))
        .build()
        .unwrap();
    let server = Server::new(sessions, |config| {
        config.route(
            "/set",
            actix_web::web::get().to(async |session: sessions_actix::CurrentSession<Written>| {
                session.set(Written { count: 1 })?;
                ok(session.get().map_or(0, |written| written.count).to_string())
            }),
        );
    })
    .await;
    assert_eq!(
        server.get("/set").await.cookie("WRITTEN").unwrap().attributes,
        attributes(&[
            ("Domain", "example.com"),
            ("Expires", "Thu, 08 Jan 2026 00:00:00 GMT"),
            ("Max-Age", "604800"),
            ("Partitioned", ""),
            ("Path", "/set"),
            ("SameSite", "Strict"),
            ("Secure", ""),
        ])
    );
}

#[actix_web::test]
async fn a_removal_has_the_attributes_of_the_cookie_that_it_removes() {
    macro_rules! servers {
        ($($options:expr),*) => {
            [$(by_value($options).await, by_id($options).await),*]
        };
    }
    let servers = servers![
        |o| o,
        |o| o.domain("example.com").max_age(DAY),
        |o| o.secure(false).http_only(false),
        |o| o.same_site(SameSite::None).partitioned(true),
        |o| o.same_site(SameSite::Strict).path("/")
    ];
    for server in servers {
        let mut browser = Browser::new(&server).at("www.example.com");
        let set = browser.get("/set/1").await.cookie("VISITS").unwrap();
        let cleared = browser.clone().get("/clear").await.cookie("VISITS").unwrap();
        browser.put("VISITS", "junk");
        let malformed = browser.get("/get").await.cookie("VISITS").unwrap();
        // The form of an id and its secret, which nobody has.
        browser.put("VISITS", &"A".repeat(64));
        let unknown = browser.get("/status").await;
        let unknown = match unknown.text() {
            "Invalid" => unknown.cookie("VISITS").unwrap(),
            // By value these bytes name a key that another node may know.
            _ => cleared.clone(),
        };
        for removal in [cleared, malformed, unknown] {
            assert!(removal.is_removal());
            assert_eq!(removal.scope(), set.scope());
        }
    }
}

#[actix_web::test]
async fn the_longest_max_age_is_sent_as_it_is() {
    let cookie = sent(&by_value(|o| o.max_age(400 * DAY)).await).await;
    assert_eq!(cookie.attribute("Max-Age"), Some("34560000"));
    assert_eq!(cookie.attribute("Expires"), Some("Fri, 05 Feb 2027 00:00:00 GMT"));
}

#[actix_web::test]
async fn a_cookie_that_outlasts_the_calendar_expires_on_its_last_day() {
    // 9999-12-31T00:00:00Z, and the latest time that there is.
    for now in [253_402_214_400_000, u64::MAX - 1_000_000_000_000] {
        let sessions = Sessions::builder()
            .clock(ManualClock::new(Timestamp::from_millis(now)))
            .client_side_with::<Visits>(Encrypted::new(&keys()), |o| o.max_age(400 * DAY))
            .build()
            .unwrap();
        let cookie = sent(&Server::new(sessions, numbers::<Visits>("")).await).await;
        assert_eq!(cookie.attribute("Max-Age"), Some("34560000"));
        assert_eq!(cookie.attribute("Expires"), Some("Fri, 31 Dec 9999 23:59:59 GMT"));
    }
}

#[actix_web::test]
async fn a_longer_max_age_is_refused_and_never_overflows() {
    for max_age in [400 * DAY + MINUTE, Duration::from_secs(u64::MAX), Duration::MAX] {
        let refused = Sessions::builder()
            .client_side_with::<Visits>(Encrypted::new(&keys()), |o| o.max_age(max_age))
            .build()
            .unwrap_err();
        assert!(matches!(refused, ConfigError::Spec { .. }), "{refused}");
        let text = refused.to_string();
        assert!(text.contains("max_age") && text.contains("400 days"), "{text}");
        let by_id = Sessions::builder()
            .server_side_with::<Visits>(MemoryStorage::new(), |o| o.max_age(max_age))
            .build();
        assert!(by_id.is_err());
    }
}

#[derive(Session, Serialize, Deserialize)]
#[session(name = "__Host-visits", transport = cookie(partitioned))]
struct Prefixed {
    count: u32,
}

#[derive(Session, Serialize, Deserialize)]
#[session(name = "__Secure-basket", transport = cookie(path = "/get"))]
struct AlsoPrefixed {
    count: u32,
}

fn prefixed(config: &mut actix_web::web::ServiceConfig) {
    use actix_web::web::get;
    use sessions_actix::CurrentSession;
    config.route(
        "/get",
        get().to(
            async |one: CurrentSession<Prefixed>, other: CurrentSession<AlsoPrefixed>| {
                let seen = (one.get().map(|v| v.count), other.get().map(|v| v.count));
                one.set(Prefixed { count: 1 })?;
                other.set(AlsoPrefixed { count: 2 })?;
                ok(format!("{seen:?}"))
            },
        ),
    );
}

#[actix_web::test]
async fn in_development_cookies_go_over_plain_http() {
    let builder = || {
        Sessions::builder()
            .server_side::<Prefixed>(MemoryStorage::new())
            .server_side::<AlsoPrefixed>(MemoryStorage::new())
    };
    let mut browser = Browser::new(&Server::new(builder().build().unwrap(), prefixed).await);
    let answer = browser.get("/get").await;
    assert!(answer.cookie("__Host-visits").unwrap().has("Secure"));
    assert!(answer.cookie("__Host-visits").unwrap().has("Partitioned"));
    assert!(answer.cookie("__Secure-basket").unwrap().has("Secure"));

    let insecure = builder().insecure_cookies_for_development().build().unwrap();
    let mut browser = Browser::new(&Server::new(insecure, prefixed).await).over_plain_http();
    let answer = browser.get("/get").await;
    for name in ["visits", "basket"] {
        let cookie = answer.cookie(name).unwrap();
        assert!(!cookie.has("Secure") && !cookie.has("Partitioned"));
        assert!(cookie.has("HttpOnly"));
    }
    assert_eq!(browser.get("/get").await.text(), "(Some(1), Some(2))");
}

#[actix_web::test]
#[should_panic(expected = "SecureOverPlainHttp")]
async fn without_that_a_browser_keeps_none_of_them_over_plain_http() {
    let sessions = Sessions::builder()
        .server_side::<Prefixed>(MemoryStorage::new())
        .server_side::<AlsoPrefixed>(MemoryStorage::new())
        .build()
        .unwrap();
    let server = Server::new(sessions, prefixed).await;
    Browser::new(&server).over_plain_http().get("/get").await;
}

#[actix_web::test]
async fn in_development_same_site_none_becomes_lax() {
    let sessions = Sessions::builder()
        .insecure_cookies_for_development()
        .server_side_with::<Visits>(MemoryStorage::new(), |o| o.same_site(SameSite::None))
        .build()
        .unwrap();
    let cookie = sent(&Server::new(sessions, numbers::<Visits>("")).await).await;
    assert_eq!(cookie.attribute("SameSite"), Some("Lax"));
}
