//! What caches, logs, other people's data and a full disk have made of sessions.

use std::{collections::BTreeSet, env, fs, path::Path, process::Command, time::Duration};

use actix_web::{
    HttpRequest, HttpResponse, Result,
    http::{StatusCode, header::HeaderValue},
    test::TestRequest,
    web::{self, ServiceConfig, get},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use futures_util::stream;
use servers::Redis;
use sessions_actix::{
    CurrentSession, FreshSession, ManualClock, RequiredSession, Sessions, SessionsBuilder, SessionsExt as _,
    Transport,
    protection::Encrypted,
    storage::{MemoryStorage, RedisStorage},
};
use tests::{judge::Exception, leaks};

use super::{ask, every_storage};
use crate::support::{Browser, MINUTE, Server, Visits, keys, numbers, ok};

/// What a handler may do to know of a session.
const LOOKS: [&str; 10] = [
    "nothing", "get", "status", "id", "created", "expires", "new", "step-up", "fresh", "live",
];
/// What it may answer then.
const KINDS: [&str; 8] = ["200", "204", "304", "303", "404", "500", "streaming", "error"];

async fn look(session: CurrentSession<Visits>, path: web::Path<(String, String)>) -> Result<HttpResponse> {
    let (what, kind) = path.into_inner();
    match what.as_str() {
        "get" => drop(session.get()),
        "status" => drop(session.status()),
        "id" => drop(session.public_id()),
        "created" => drop(session.created_at()),
        "expires" => drop(session.expires_at()),
        "new" => drop(session.is_new()),
        "step-up" => drop(session.needs_step_up()),
        "fresh" => drop(session.is_fresh(MINUTE).await?),
        "live" => drop(session.still_live().await?),
        _ => {}
    }
    drop(session);
    let public = ("cache-control", "public, max-age=3600");
    match kind.as_str() {
        "streaming" => {
            let body = stream::iter([ok(web::Bytes::from_static(b"a stream"))]);
            Ok(HttpResponse::Ok().insert_header(public).streaming(body))
        }
        "error" => Err(actix_web::error::ErrorBadRequest("as it was told")),
        status => {
            let status = StatusCode::from_bytes(status.as_bytes()).unwrap();
            Ok(HttpResponse::build(status).insert_header(public).finish())
        }
    }
}

fn looks(config: &mut ServiceConfig) {
    config
        .configure(numbers::<Visits>(""))
        .route("/look/{what}/{kind}", get().to(look))
        .route("/required", get().to(async |_: RequiredSession<Visits>| "there"))
        .route("/fresh", get().to(async |_: FreshSession<Visits, 60>| "there"))
        .route(
            "/request",
            get().to(async |request: HttpRequest| request.session::<Visits>().await.map(|_| "looked")),
        );
}

/// By id and by value, and each such that all that reads a session sends a token.
fn all() -> [SessionsBuilder; 3] {
    let keys = keys();
    [
        Sessions::builder().server_side::<Visits>(MemoryStorage::new()),
        Sessions::builder().client_side::<Visits>(Encrypted::new(&keys)),
        Sessions::builder().client_side_with::<Visits>(Encrypted::new(&keys), |o| o.always_send()),
    ]
}

async fn varies_whatever_is_looked_at(clock: &ManualClock, wait: Duration) {
    for builder in all() {
        let sessions = builder.clock(clock.clone()).build().unwrap();
        let server = Server::new(sessions, looks).await;
        let mut with = Browser::new(&server);
        with.get("/set/1").await;
        clock.advance(wait);
        let paths = LOOKS
            .iter()
            .flat_map(|what| KINDS.iter().map(move |kind| format!("/look/{what}/{kind}")));
        let others = ["/required", "/fresh", "/request"].map(str::to_owned);
        for path in paths.chain(others) {
            for mut browser in [with.clone(), Browser::new(&server)] {
                let answer = browser.get(&path).await;
                assert_eq!(answer.lines("vary"), ["cookie"], "{path}");
                // Of what is sent, the judge of all answers asks the same.
                let expected = !answer.cookies().is_empty();
                assert_eq!(answer.lines("cache-control") == ["no-store"], expected, "{path}");
            }
        }
        // What nothing has looked at is sent to nobody, however old it is.
        let untouched = with.get("/untouched").await;
        assert_eq!((untouched.lines("vary"), untouched.cookies()), (vec![], vec![]));
    }
}

/// Flask: a session that was sent again, but not looked at, came without `Vary`, and caches gave it to others.
#[actix_web::test]
async fn cve_2023_30861_a_token_that_is_sent_again_is_for_no_cache() {
    varies_whatever_is_looked_at(&ManualClock::default(), 10 * MINUTE).await;
}

/// Flask, later: asking whether there is something in a session, or how much, came without it still.
#[actix_web::test]
async fn cve_2026_27205_whatever_is_asked_of_a_session_the_answer_depends_on_the_cookie() {
    varies_whatever_is_looked_at(&ManualClock::default(), Duration::ZERO).await;
}

/// Rails, Active Storage: what was public for caches came with the cookie of a new session.
#[actix_web::test]
async fn cve_2024_26144_what_carries_a_token_is_not_public_whatever_the_handler_says() {
    for builder in all() {
        let server = Server::new(builder.build().unwrap(), |config| {
            config.configure(numbers::<Visits>("")).route(
                "/image/{control}",
                get().to(
                    async |session: CurrentSession<Visits>, control: web::Path<String>| {
                        session.set(Visits { count: 1 })?;
                        let control = HeaderValue::from_str(&control).unwrap();
                        ok(HttpResponse::Ok()
                            .insert_header(("cache-control", control))
                            .finish())
                    },
                ),
            );
        })
        .await;
        for control in [
            "public",
            "max-age=3600",
            "public,%20max-age=60,%20immutable",
            "s-maxage=60",
        ] {
            let answer = server.get(&format!("/image/{control}")).await;
            assert!(answer.cookie("VISITS").is_some());
            assert_eq!(answer.lines("cache-control"), ["no-store"], "{control}");
        }
        // A handler that leaves others out is believed.
        server.except(Exception::CacheControl);
        let answer = server.get("/image/Private,%20max-age=60").await;
        assert_eq!(answer.lines("cache-control"), ["Private, max-age=60"]);
    }
}

/// Where the tokens go that the test below looks for.
const TOKENS: &str = "SESSIONS_TEST_TOKENS";

/// Spring Session 3.0.0: what found a session's id in a header printed it.
#[test]
fn cve_2023_20866_no_token_in_a_header_is_printed() {
    // In a process of its own, everything that it prints is looked through.
    if let Some(file) = env::var_os(TOKENS) {
        return actix_web::rt::System::new().block_on(show_tokens_in_headers(file.as_ref()));
    }
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("tokens");
    let name = "failures_of_others::caches_and_logs::cve_2023_20866_no_token_in_a_header_is_printed";
    let printed = Command::new(env::current_exe().unwrap())
        .args([name, "--exact", "--nocapture"])
        .env(TOKENS, &file)
        .env("RUST_LOG", "trace")
        .output()
        .unwrap();
    assert!(printed.status.success(), "{printed:?}");
    let tokens = fs::read_to_string(file).unwrap();
    assert_eq!(tokens.lines().count(), 3);
    for token in tokens.lines() {
        leaks::remember_token(token.as_bytes());
    }
    leaks::check("what is printed", &printed.stdout);
    leaks::check("what is printed", &printed.stderr);
    // And the net has no hole here.
    let shown = format!("{:?}", tokens.lines().next());
    assert!(std::panic::catch_unwind(|| leaks::check("what is shown", shown.as_bytes())).is_err());
}

async fn show_tokens_in_headers(file: &Path) {
    let sessions = Sessions::builder().server_side_with::<Visits>(MemoryStorage::new(), |o| {
        o.name("X-Visits").transport(Transport::Header)
    });
    let server = Server::new(sessions.build().unwrap(), numbers::<Visits>("")).await;
    let mut client = Browser::new(&server).minding("X-Visits");
    let mut tokens = BTreeSet::new();
    for path in [
        "/set/1", "/get", "/rotate", "/start/2", "/update", "/id", "/status",
    ] {
        client.get(path).await;
        tokens.insert(client.token("X-Visits").to_owned());
    }
    client.get("/clear").await;
    let lines: Vec<_> = tokens.into_iter().collect();
    fs::write(file, lines.join("\n")).unwrap();
}

/// Django, three of 2015: looking at a session, a made-up id, and a logout each stored an empty one.
#[actix_web::test]
async fn cve_2015_5143_and_cve_2015_5963_and_cve_2015_5964_strangers_and_logouts_store_nothing() {
    for kept in every_storage().await {
        let scene = kept.scene("cve-2015-5143").await;
        let requests = if kept.kind == "memory" { 10_000_u32 } else { 300 };
        for number in 0..requests {
            let path = ["/get", "/clear", "/take", "/update", "/rotate", "/status", "/id"];
            let request = TestRequest::get().uri(path[number as usize % path.len()]);
            let request = match number % 4 {
                0 => request,
                1 => request.insert_header(("cookie", format!("VISITS=unknown{number}"))),
                2 => request.insert_header(("cookie", "VISITS=")),
                _ => {
                    let made_up = URL_SAFE_NO_PAD.encode([&number.to_be_bytes()[..], &[7; 44]].concat());
                    request.insert_header(("cookie", format!("VISITS={made_up}")))
                }
            };
            let answer = scene.server.call(request.to_request()).await;
            assert_eq!(answer.status, 200);
        }
        assert_eq!(scene.count().await, 0, "{}", kept.kind);
        // And whoever logs out has none any more.
        let mut browser = scene.browser();
        browser.get("/set/1").await;
        browser.get("/clear").await;
        browser.get("/clear").await;
        assert_eq!(scene.count().await, 0, "{}", kept.kind);
    }
}

/// on-headers, under express-session: the headers that a handler gave as a list were mixed up on the way.
#[actix_web::test]
async fn cve_2025_7339_the_handlers_own_headers_stay_as_they_are() {
    const OWN: [(&str, &str); 7] = [
        ("set-cookie", "a=1; Path=/"),
        ("x-list", "one"),
        ("set-cookie", "b=2; Path=/"),
        ("x-list", "two, three"),
        ("link", "</a>; rel=next"),
        ("link", "</b>; rel=prev"),
        ("x-list", ""),
    ];
    for builder in all() {
        let server = Server::new(builder.build().unwrap(), |config| {
            config.configure(numbers::<Visits>("")).route(
                "/own/{set}",
                get().to(async |session: CurrentSession<Visits>, set: web::Path<bool>| {
                    if set.into_inner() {
                        session.set(Visits { count: 1 })?;
                    } else {
                        session.clear()?;
                    }
                    let mut answer = HttpResponse::Ok();
                    for header in OWN {
                        answer.append_header(header);
                    }
                    ok(answer.finish())
                }),
            );
        })
        .await;
        let mut browser = Browser::new(&server);
        for set in [true, false] {
            let answer = browser.get(&format!("/own/{set}")).await;
            for name in ["set-cookie", "x-list", "link"] {
                let mut lines = answer.lines(name);
                lines.retain(|line| !line.starts_with("VISITS="));
                let own = OWN.iter().filter(|(own, _)| *own == name);
                assert_eq!(lines, own.map(|(_, line)| *line).collect::<Vec<_>>());
            }
            assert!(answer.cookie("VISITS").is_some());
        }
    }
}

/// Django: sessions were in the root of a cache that had other data, so that a key of that was an id.
#[actix_web::test]
async fn cve_2011_4136_data_of_others_beside_the_sessions_is_no_session() {
    let redis = Redis::start();
    let storage = RedisStorage::connect(&redis.url()).await.unwrap();
    let sessions = Sessions::builder()
        .storage_timeout(MINUTE)
        .server_side::<Visits>(storage);
    let server = Server::new(sessions.build().unwrap(), numbers::<Visits>("")).await;
    let mut browser = Browser::new(&server);
    browser.get("/set/1").await;
    let keys = ask(&redis, &["KEYS", "*"]);
    assert_eq!(keys.len(), 1);
    assert!(keys.iter().all(|key| key.starts_with("sessions:")), "{keys:?}");
    // What a client could have put there: a copy of a session, under names that can be shown as an id.
    let of_our_form = URL_SAFE_NO_PAD.encode([7; 48]);
    let names = [
        "profile",
        "sessions:profile",
        &of_our_form,
        &format!("sessions:{of_our_form}"),
    ];
    for name in names {
        assert_eq!(ask(&redis, &["COPY", &keys[0], name]), ["1"]);
        for id in [name, name.trim_start_matches("sessions:")] {
            for path in ["/get", "/update", "/take", "/clear"] {
                let mut stranger = Browser::new(&server);
                stranger.put("VISITS", id);
                assert_eq!(stranger.get(path).await.text(), "none", "{id} {path}");
            }
        }
        assert_eq!(ask(&redis, &["EXISTS", name]), ["1"]);
    }
    assert_eq!(browser.get("/get").await.text(), "1");
}
