//! What was found wrong with Ktor's sessions (3.5.2), by number, and does not happen here.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use actix_web::{
    HttpRequest,
    test::{TestRequest, init_service},
    web::{self, ServiceConfig, get},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use futures_util::future::join_all;
use serde::{Deserialize, Serialize};
use sessions_actix::{
    CurrentSession, ManualClock, SerializerError, Session, SessionErrorKind, SessionSerializer, Sessions,
    SessionsExt as _, Transport,
    protection::{Encrypted, Signed},
    serializer::{Json, Shape},
    storage::{CachedStorage, DirectoryStorage, MemoryStorage},
};

use crate::support::{Basket, Browser, Log, MINUTE, Server, Spy, Visits, keys, numbers, ok};

fn routes(config: &mut ServiceConfig) {
    config
        .configure(numbers::<Visits>(""))
        .configure(numbers::<Basket>("/basket"));
}

async fn by_id(storage: impl sessions_actix::storage::SessionStorage) -> Server {
    let sessions = Sessions::builder().server_side::<Visits>(storage);
    Server::new(sessions.build().unwrap(), numbers::<Visits>("")).await
}

/// No session, and no error.
async fn is_none(browser: &Browser, token: &str) -> bool {
    let mut browser = browser.clone();
    browser.put("VISITS", token);
    let answer = browser.get("/get").await;
    (answer.status.as_u16(), answer.text()) == (200, "none")
}

/// Number 1: its MAC covered the ciphertext and not the IV, so that the first block could be rewritten at will.
#[actix_web::test]
async fn every_bit_of_a_sealed_token_is_authenticated_its_nonce_included() {
    let keys = keys();
    for sessions in [
        Sessions::builder().client_side::<Visits>(Encrypted::new(&keys)),
        Sessions::builder().client_side::<Visits>(Signed::new(&keys)),
    ] {
        let server = Server::new(sessions.build().unwrap(), numbers::<Visits>("")).await;
        let mut browser = Browser::new(&server);
        browser.get("/set/1").await;
        let token = URL_SAFE_NO_PAD.decode(browser.value("VISITS").unwrap()).unwrap();
        for bit in 0..token.len() * 8 {
            let mut forged = token.clone();
            forged[bit / 8] ^= 1 << (bit % 8);
            assert!(
                is_none(&browser, &URL_SAFE_NO_PAD.encode(forged)).await,
                "bit {bit}"
            );
        }
    }
}

static DECODED: AtomicUsize = AtomicUsize::new(0);

#[derive(Session)]
#[session(name = "COUNTED", serializer = Counted)]
struct Count(u32);

/// Counts what it is given to read.
struct Counted;

impl SessionSerializer<Count> for Counted {
    const FORMAT: &'static str = "counted";

    fn shape() -> Shape {
        Shape::named("a count")
    }

    fn serialize(value: &Count, out: &mut Vec<u8>) -> Result<(), SerializerError> {
        out.extend_from_slice(&value.0.to_be_bytes());
        Ok(())
    }

    fn deserialize(bytes: &[u8]) -> Result<Count, SerializerError> {
        DECODED.fetch_add(1, Ordering::Relaxed);
        let bytes = bytes.try_into().map_err(SerializerError::new)?;
        Ok(Count(u32::from_be_bytes(bytes)))
    }
}

/// Number 2: its compatible mode decrypted before it authenticated. That tags are compared in constant time cannot be
/// seen from here: `aws-lc-rs` does it, and no code of ours compares one.
#[actix_web::test]
async fn what_is_not_authentic_is_not_decoded() {
    let keys = keys();
    for sessions in [
        Sessions::builder().client_side::<Count>(Encrypted::new(&keys)),
        Sessions::builder().client_side::<Count>(Signed::new(&keys)),
    ] {
        let server = Server::new(sessions.build().unwrap(), |config| {
            config
                .route(
                    "/get",
                    get().to(async |session: CurrentSession<Count>| {
                        session
                            .get()
                            .map_or("none".to_owned(), |count| count.0.to_string())
                    }),
                )
                .route(
                    "/set",
                    get().to(async |session: CurrentSession<Count>| {
                        session.set(Count(1))?;
                        ok("set")
                    }),
                );
        })
        .await;
        let mut browser = Browser::new(&server);
        browser.get("/set").await;
        assert_eq!(browser.get("/get").await.text(), "1");
        let before = DECODED.load(Ordering::Relaxed);
        let token = URL_SAFE_NO_PAD.decode(browser.value("COUNTED").unwrap()).unwrap();
        for at in 0..token.len() {
            let mut forged = token.clone();
            forged[at] ^= 1;
            let mut forger = browser.clone();
            forger.put("COUNTED", &URL_SAFE_NO_PAD.encode(forged));
            assert_eq!(forger.get("/get").await.text(), "none");
        }
        assert_eq!(DECODED.load(Ordering::Relaxed), before);
    }
}

/// Number 3: a value could be moved to another cookie under the same key, and was good for ever.
#[actix_web::test]
async fn a_token_is_good_under_its_own_name_and_for_its_own_time() {
    let (keys, clock) = (keys(), ManualClock::default());
    let sessions = Sessions::builder()
        .clock(clock.clone())
        .client_side::<Visits>(Signed::new(&keys))
        .client_side::<Basket>(Signed::new(&keys));
    let mut browser = Browser::new(&Server::new(sessions.build().unwrap(), routes).await);
    browser.get("/set/1").await;
    let mut mover = browser.clone();
    mover.put("BASKET", browser.value("VISITS").unwrap());
    assert_eq!(mover.get("/basket/get").await.text(), "none");
    // The browser keeps it; the server knows better.
    clock.advance(30 * MINUTE - Duration::from_secs(1));
    assert_eq!(browser.clone().get("/status").await.text(), "Live");
    clock.advance(Duration::from_secs(1));
    assert_eq!(browser.get("/get").await.text(), "none");
}

/// Number 4: its storages knew no expiry, and grew for ever.
#[actix_web::test]
async fn expired_sessions_are_freed() {
    let (clock, storage) = (ManualClock::default(), MemoryStorage::new());
    let sessions = Sessions::builder()
        .clock(clock.clone())
        .server_side::<Visits>(storage.clone())
        .build()
        .unwrap();
    let server = Server::new(sessions.clone(), numbers::<Visits>("")).await;
    for _ in 0..1000 {
        server.get("/set/1").await;
    }
    assert!(format!("{storage:?}").contains("sessions: 1000"), "{storage:?}");
    clock.advance(30 * MINUTE);
    let admin = sessions.admin::<Visits>().unwrap();
    while admin.purge_expired(100).await.unwrap() > 0 {}
    assert!(format!("{storage:?}").contains("sessions: 0"), "{storage:?}");
}

/// Everything below a folder, and what is in it.
fn tree(folder: &Path) -> BTreeMap<PathBuf, Option<Vec<u8>>> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(tree(&path));
            found.insert(path, None);
        } else {
            let content = fs::read(&path).unwrap();
            found.insert(path, Some(content));
        }
    }
    found
}

/// Ids that are none, in the ways in which a file's name may be none.
const HOSTILE: [&str; 14] = [
    "..",
    "../../../../etc/passwd",
    "..%2f..%2fetc%2fpasswd",
    "/etc/passwd",
    "a/b/c/d",
    "C:\\CON",
    "%00",
    ".",
    "~",
    "*",
    "A",
    "-----------------------------------------------------------------",
    "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
    "\u{e4}\u{2028}",
];

/// Number 5: reading an id that nobody has made folders for it.
#[actix_web::test]
async fn ids_that_nobody_has_leave_a_directory_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let mut browser = Browser::new(&by_id(DirectoryStorage::open(folder.path()).unwrap()).await);
    browser.get("/set/1").await;
    let before = tree(folder.path());
    for id in HOSTILE {
        for path in ["/get", "/clear", "/update"] {
            let mut stranger = browser.clone();
            stranger.put("VISITS", id);
            assert_eq!(stranger.get(path).await.status, 200, "{id} {path}");
        }
    }
    assert_eq!(tree(folder.path()), before);
    assert_eq!(browser.get("/get").await.text(), "1");
}

/// Number 6: it wrote files in place, so that who read meanwhile found nothing and failed. What a crash leaves is in
/// `killed_writer`.
#[actix_web::test]
async fn who_reads_while_another_writes_sees_the_old_value_or_the_new_one() {
    let folder = tempfile::tempdir().unwrap();
    let mut browser = Browser::new(&by_id(DirectoryStorage::open(folder.path()).unwrap()).await);
    browser.get("/set/1").await;
    let mut tabs = vec![browser.clone(); 40];
    let asked = tabs.iter_mut().enumerate().map(|(index, tab)| async move {
        let path = if index % 2 == 0 { "/update" } else { "/get" };
        let answer = tab.get(path).await;
        assert_eq!(answer.status, 200);
        let seen: u32 = answer.text().parse().unwrap();
        assert!((1..=21).contains(&seen));
    });
    join_all(asked).await;
    assert_eq!(browser.get("/get").await.text(), "21");
}

/// Number 7: an id of characters that it did not like was a 500, and so was a session that it could not decode.
#[actix_web::test]
async fn hostile_ids_and_undecodable_sessions_are_no_session_and_no_error() {
    #[derive(Session, Serialize, Deserialize)]
    #[session(name = "VISITS")]
    struct Renamed {
        visited: String,
    }
    let folder = tempfile::tempdir().unwrap();
    let storage = || DirectoryStorage::open(folder.path()).unwrap();
    for server in [
        by_id(MemoryStorage::new()).await,
        by_id(storage()).await,
        by_id(storage().cached()).await,
    ] {
        let browser = Browser::new(&server);
        for id in HOSTILE {
            assert!(is_none(&browser, id).await, "{id}");
        }
        assert!(is_none(&browser, &"A".repeat(7000)).await);
        assert!(is_none(&browser, "").await);
    }
    let mut browser = Browser::new(&by_id(storage()).await);
    browser.get("/set/1").await;
    let later = Sessions::builder()
        .server_side::<Renamed>(storage())
        .build()
        .unwrap();
    let later = Server::new(later, |config| {
        config.route(
            "/get",
            get().to(async |session: CurrentSession<Renamed>| {
                session
                    .get()
                    .map_or("none".to_owned(), |renamed| renamed.visited.clone())
            }),
        );
    })
    .await;
    let mut browser = browser.on(&later);
    assert_eq!(browser.get("/get").await.text(), "none");
}

/// Number 8: `set(null)` cleared nothing. Here it cannot be written, `set` takes a `T`; and `clear` is seen at once.
#[actix_web::test]
async fn what_is_cleared_reads_as_none_at_once_and_afterwards() {
    for sessions in [
        Sessions::builder().server_side::<Visits>(MemoryStorage::new()),
        Sessions::builder().client_side::<Visits>(Encrypted::new(&keys())),
    ] {
        let server = Server::new(sessions.build().unwrap(), numbers::<Visits>("")).await;
        let mut browser = Browser::new(&server);
        browser.get("/set/1").await;
        assert_eq!(browser.get("/clear").await.text(), "none");
        assert_eq!(browser.value("VISITS"), None);
        assert_eq!(browser.get("/get").await.text(), "none");
    }
}

/// Number 9: `clear` after the response was ignored, and by header it did nothing.
#[actix_web::test]
async fn a_clear_is_carried_out_by_header_too_and_refused_when_it_comes_too_late() {
    let kept = web::Data::new(std::sync::Mutex::new(None::<CurrentSession<Visits>>));
    let sessions = Sessions::builder().server_side_with::<Visits>(MemoryStorage::new(), |o| {
        o.name("X-Visits").transport(Transport::Header)
    });
    let data = kept.clone();
    let server = Server::new(sessions.build().unwrap(), |config| {
        config.configure(numbers::<Visits>("")).app_data(data).route(
            "/keep",
            get().to(
                async |session: CurrentSession<Visits>,
                       kept: web::Data<std::sync::Mutex<Option<CurrentSession<Visits>>>>| {
                    *kept.lock().unwrap() = Some(session);
                    "kept"
                },
            ),
        );
    })
    .await;
    let mut client = Browser::new(&server).minding("X-Visits");
    client.get("/set/1").await;
    client.get("/keep").await;
    let late = kept.lock().unwrap().take().unwrap().clear();
    let late = late.unwrap_err();
    assert!(matches!(late.kind(), SessionErrorKind::AlreadyCommitted));
    let mut copy = client.clone();
    assert_eq!(copy.get("/get").await.text(), "1");
    assert_eq!(client.get("/clear").await.lines("x-visits"), [""]);
    assert_eq!(copy.get("/get").await.text(), "none", "for whoever has the token");
}

/// Number 10: the id was kept across a login, and a slow request brought a cleared session back.
#[actix_web::test]
async fn a_login_has_a_new_id_and_a_slow_request_brings_nothing_back() {
    let spy = Spy::default();
    let mut browser = Browser::new(&by_id(spy.clone()).await);
    browser.get("/set/1").await;
    let (before, id) = (browser.clone(), browser.get("/id").await.text().to_owned());
    browser.get("/start/2").await;
    assert_ne!(browser.get("/id").await.text(), id);
    assert_ne!(browser.value("VISITS"), before.value("VISITS"));
    assert_eq!(before.clone().get("/get").await.text(), "none");
    for slow in ["/set/9", "/update"] {
        let mut copy = browser.clone();
        copy.get("/start/2").await;
        spy.hesitate();
        let (mut slow_one, mut leaver) = (copy.clone(), copy.clone());
        let (answer, left) = futures_util::join!(slow_one.get(slow), leaver.get("/clear"));
        assert_eq!(
            (answer.status.as_u16(), left.status.as_u16()),
            (200, 200),
            "{slow}"
        );
        assert_eq!(copy.get("/get").await.text(), "none", "{slow}");
        assert_eq!(slow_one.get("/get").await.text(), "none", "{slow}");
        browser.get("/start/2").await;
    }
}

/// Number 11: it told the client first, so that a storage that failed kept the session alive and nobody knew.
#[actix_web::test]
async fn a_logout_that_the_storage_does_not_carry_out_is_no_logout_for_the_client_either() {
    let spy = Spy::default();
    let mut browser = Browser::new(&by_id(spy.clone()).await);
    browser.get("/set/1").await;
    spy.fail("delete");
    let failed = browser.get("/clear").await;
    assert_eq!((failed.status.as_u16(), failed.cookies()), (503, vec![]));
    assert_eq!(browser.get("/get").await.text(), "1");
    spy.mend();
    browser.get("/clear").await;
    assert_eq!(browser.value("VISITS"), None);
    assert_eq!(browser.get("/get").await.text(), "none");
}

/// Number 12: its cache kept loads that had failed, and sessions that other nodes had ended.
#[actix_web::test]
async fn a_cache_keeps_no_failure_and_no_session_that_was_ended_here() {
    let spy = Spy::default();
    let cached = CachedStorage::new(spy.clone());
    let mut browser = Browser::new(&by_id(cached.clone()).await);
    let other = by_id(cached).await;
    browser.get("/set/1").await;
    let mut fresh_cache = browser.clone().on(&by_id(CachedStorage::new(spy.clone())).await);
    spy.fail("load");
    assert_eq!(fresh_cache.get("/get").await.status, 503);
    spy.mend();
    assert_eq!(fresh_cache.get("/get").await.text(), "1");
    // Another worker of this node, and its copy.
    let mut elsewhere = browser.clone().on(&other);
    assert_eq!(elsewhere.get("/get").await.text(), "1");
    browser.get("/clear").await;
    assert_eq!(elsewhere.get("/get").await.text(), "none");
}

/// Number 13: every session of every route was loaded for each request.
#[actix_web::test]
async fn a_request_loads_what_it_asks_for_and_nothing_else() {
    let (visits, baskets) = (Spy::default(), Spy::default());
    let sessions = Sessions::builder()
        .server_side::<Visits>(visits.clone())
        .server_side::<Basket>(baskets.clone());
    let mut browser = Browser::new(&Server::new(sessions.build().unwrap(), routes).await);
    browser.get("/set/1").await;
    browser.get("/basket/set/2").await;
    visits.calls();
    baskets.calls();
    browser.get("/untouched").await;
    assert_eq!((visits.calls().len(), baskets.calls().len()), (0, 0));
    browser.get("/get").await;
    assert_eq!((visits.calls(), baskets.calls().len()), (vec!["load"], 0));
}

/// Number 14: sessions that were installed around some routes hid those of the application.
#[actix_web::test]
async fn sessions_around_a_scope_hide_none_of_the_applications() {
    let outer = Sessions::builder().server_side::<Visits>(MemoryStorage::new());
    let inner = Sessions::builder().server_side::<Basket>(MemoryStorage::new());
    let both = async |request: HttpRequest| {
        let visits = request.session::<Visits>().await?;
        let basket = request.session::<Basket>().await?;
        visits.set(Visits { count: 1 })?;
        basket.set(Basket { count: 2 })?;
        ok(format!("{} {}", visits.is_new(), basket.is_new()))
    };
    let app = actix_web::App::new()
        .service(
            web::scope("/shop")
                .route("/both", get().to(both))
                .wrap(inner.build().unwrap()),
        )
        .configure(numbers::<Visits>(""))
        .wrap(outer.build().unwrap());
    let mut browser = Browser::new(&Server::of(init_service(app).await));
    assert_eq!(browser.get("/shop/both").await.text(), "true true");
    assert_eq!(browser.get("/shop/both").await.text(), "false false");
    assert_eq!(browser.get("/get").await.text(), "1");
}

#[derive(Session, Serialize, Deserialize)]
#[session(name = "NOTE", serializer = Json)]
struct Note {
    text: String,
}

#[derive(Session, Serialize, Deserialize)]
#[session(name = "NOTE", serializer = Json)]
struct Numbered {
    text: u32,
}

/// Number 15: what could not be decoded was logged as a whole.
#[actix_web::test]
async fn what_cannot_be_decoded_is_not_logged() {
    let keys = keys();
    let write = Sessions::builder().client_side::<Note>(Encrypted::new(&keys));
    let write = Server::new(write.build().unwrap(), |config| {
        config.route(
            "/",
            get().to(async |session: CurrentSession<Note>| {
                session.set(Note {
                    text: "between you and me".to_owned(),
                })?;
                ok("written")
            }),
        );
    })
    .await;
    let read = Sessions::builder().client_side::<Numbered>(Encrypted::new(&keys));
    let read = Server::new(read.build().unwrap(), |config| {
        config.route(
            "/",
            get().to(async |session: CurrentSession<Numbered>| {
                session.get().map_or("none".to_owned(), |it| it.text.to_string())
            }),
        );
    })
    .await;
    let mut browser = Browser::new(&write);
    browser.get("/").await;
    let token = browser.value("NOTE").unwrap().to_owned();
    let log = Log::begin();
    let mut browser = browser.on(&read);
    assert_eq!(browser.get("/").await.text(), "none");
    let everything = log.everything();
    assert!(!everything.is_empty(), "it is told");
    for secret in ["between", &token, &token[..20], &token[token.len() - 20..]] {
        assert!(!everything.contains(secret), "{everything}");
    }
}

/// Number 16: of two cookies of one name the last one won, and quotes could swallow a semicolon.
#[actix_web::test]
async fn of_two_cookies_of_one_name_the_good_one_wins_in_either_order_and_quotes_swallow_nothing() {
    let server = by_id(MemoryStorage::new()).await;
    let mut browser = Browser::new(&server);
    browser.get("/set/1").await;
    let good = browser.value("VISITS").unwrap();
    for line in [
        format!("VISITS=junk; VISITS={good}"),
        format!("VISITS={good}; VISITS=junk"),
        format!("a=\"1; VISITS={good}; b=\""),
        format!("a=\"; VISITS={good}"),
        format!("VISITS=\"junk; VISITS={good}"),
    ] {
        let request = TestRequest::get()
            .uri("/get")
            .insert_header(("cookie", line.as_str()));
        let answer = server.call(request.to_request()).await;
        assert_eq!((answer.text(), answer.cookies().len()), ("1", 0), "{line}");
    }
}
