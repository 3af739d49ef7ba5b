//! Cookies that posed as others, hid others, or said more than they should.

use std::time::Duration;

use actix_web::{
    http::header::{COOKIE, HeaderValue},
    test::TestRequest,
    web::get,
};
use serde::{Deserialize, Serialize};
use sessions_actix::{
    ConfigError, CurrentSession, ManualClock, Session, Sessions, SessionsBuilder, Timestamp, Transport,
    options::{Options, ServerSide},
    storage::MemoryStorage,
};

use super::scene::Scene;
use crate::support::{Answer, Server, Visits};

const NAME: &str = "__Host-VISITS";

/// A server, and the token of a session there.
async fn with_a_session() -> (Scene, String) {
    let builder = Sessions::builder().server_side_with::<Visits>(MemoryStorage::new(), |o| o.name(NAME));
    let scene = Scene::of(builder).await;
    let token = scene.server.get("/set/1").await.cookie(NAME).unwrap().value;
    (scene, token)
}

async fn read(scene: &Scene, line: &[u8]) -> Answer {
    let line = HeaderValue::from_bytes(line).unwrap();
    let request = TestRequest::get().uri("/get").insert_header((COOKIE, line));
    scene.server.call(request.to_request()).await
}

/// A cookie of this name is none of ours, with whatever it holds, and neither hides ours nor is taken with it.
async fn is_another_one(name: &[u8]) {
    let (scene, token) = with_a_session().await;
    let ours = format!("{NAME}={token}").into_bytes();
    let theirs = [name, b"=", token.as_bytes()].concat();
    let (shown, junk) = (name.escape_ascii(), [name, b"=junk"].concat());
    for line in [
        &theirs[..],
        &[b"a=1; ", &theirs[..]].concat(),
        &[b"a=1;", &theirs[..]].concat(),
    ] {
        let answer = read(&scene, line).await;
        assert_eq!((answer.text(), answer.cookies().len()), ("none", 0), "{shown}");
    }
    for line in [
        [&ours[..], b"; ", &junk].concat(),
        [&junk[..], b"; ", &ours].concat(),
    ] {
        let answer = read(&scene, &line).await;
        assert_eq!((answer.text(), answer.cookies().len()), ("1", 0), "{shown}");
    }
}

/// ASP.NET Core, Rack and PHP: names were percent-decoded, so that any neighbour could set what passed for `__Host-`.
#[actix_web::test]
async fn cve_2020_1045_and_cve_2020_8184_and_cve_2020_7070_names_are_not_decoded() {
    for name in [
        "__%48ost-VISITS",
        "%5F_Host-VISITS",
        "__Host-%56ISITS",
        "__Host%2dVISITS",
        "__Host-VISITS%00",
    ] {
        is_another_one(name.as_bytes()).await;
    }
}

/// "Cookie Chaos", 2025: spaces that are not ASCII's were trimmed before a name.
#[actix_web::test]
async fn cookie_chaos_2025_only_space_and_tab_are_trimmed() {
    let spaces = [
        '\u{85}', '\u{a0}', '\u{1680}', '\u{2000}', '\u{200b}', '\u{2028}', '\u{202f}', '\u{3000}',
        '\u{feff}',
    ];
    for space in spaces {
        is_another_one(format!("{space}{NAME}").as_bytes()).await;
        is_another_one(format!("{NAME}{space}").as_bytes()).await;
    }
    // In Latin-1, as some servers read headers.
    is_another_one(b"\xa0__Host-VISITS").await;
    is_another_one(b"\x85__Host-VISITS").await;
}

/// Werkzeug: a pair without a name was taken for the cookie that its value looks like.
#[actix_web::test]
async fn cve_2023_23934_a_pair_without_a_name_is_ignored() {
    for name in [
        "=__Host-VISITS",
        "==__Host-VISITS",
        " =__Host-VISITS",
        "= __Host-VISITS",
    ] {
        is_another_one(name.as_bytes()).await;
    }
}

/// Whether the session is found among these others.
async fn is_found_among(junk: &[&[u8]]) {
    let (scene, token) = with_a_session().await;
    let ours = format!("{NAME}={token}").into_bytes();
    for junk in junk {
        for line in [
            [junk, &b"; "[..], &ours].concat(),
            [&ours[..], b"; ", junk].concat(),
        ] {
            let answer = read(&scene, &line).await;
            let found = (answer.status.as_u16(), answer.text(), answer.cookies().len());
            assert_eq!(found, (200, "1", 0), "{}", line.escape_ascii());
        }
    }
}

/// actix-web 3542: a cookie without a name, or without a value, took all others with it.
#[actix_web::test]
async fn actix_web_3542_a_malformed_cookie_hides_no_other() {
    is_found_among(&[
        b"=",
        b"=value",
        b"name",
        b";;",
        b"a=\"",
        b"a b=c",
        b"{\"a\": [1]}=2",
        b"a=b=c",
    ])
    .await;
}

/// actix-web 3815: so did one whose percent-encoding is none; and one octet that is no UTF-8 still does.
#[actix_web::test]
async fn actix_web_3815_a_cookie_that_cannot_be_decoded_hides_no_other() {
    is_found_among(&[
        b"a=%zz",
        b"%=1",
        b"%e2%28=1",
        b"a=%c3%28",
        b"a=\xff",
        b"\xc3\x28=1",
        b"\xfe",
    ])
    .await;
}

fn options(set: impl FnOnce(Options<ServerSide>) -> Options<ServerSide>) -> SessionsBuilder {
    Sessions::builder().server_side_with::<Visits>(MemoryStorage::new(), |o| set(o.name("visits")))
}

fn is_refused(builder: SessionsBuilder) -> bool {
    matches!(
        builder.build(),
        Err(ConfigError::Spec { .. } | ConfigError::Option { .. })
    )
}

/// `cookie` for JavaScript: names, paths and domains went into the line as they were, with the attributes that they held.
#[test]
fn cve_2024_47764_what_would_say_more_than_its_attribute_is_refused_when_it_is_set() {
    assert!(options(|o| o.path("/a").domain("example.org")).build().is_ok());
    for more in [
        "a; Domain=evil.example",
        "a;Secure",
        "a\r\nSet-Cookie: b=c",
        "a\nb",
        "a\0",
        "a b",
        "a\tb",
        "a,b",
        "a\u{e4}",
        "",
    ] {
        assert!(
            is_refused(options(|o| o.domain(more.to_owned()))),
            "{more:?} as a domain"
        );
        // A comma is none of the characters that end a path.
        if !more.contains(',') {
            let path = format!("/{more}").repeat(usize::from(!more.is_empty()));
            assert!(
                is_refused(options(|o| o.path(path.clone()))),
                "{path:?} as a path"
            );
        }
        assert!(is_refused(options(|o| o.name(more))), "{more:?} as a name");
        let header = options(|o| o.transport(Transport::Header).name(more));
        assert!(is_refused(header), "{more:?} as a header");
    }
    for more in [
        "a=b", "a\"b", "a(b)", "a/b", "a@b", "a{b}", "a[b]", "a?b", "a<b>", "a:b", "a\\b",
    ] {
        assert!(is_refused(options(|o| o.name(more))), "{more:?} as a name");
    }
}

#[derive(Default, Session, Serialize, Deserialize)]
struct LoginSession;

/// csrf-csrf: what was to be called `__Host-` was called `Host__`, which no browser guards.
#[actix_web::test]
async fn ws_2022_0330_the_default_name_has_the_prefix_that_browsers_know() {
    let sessions = Sessions::builder().server_side::<LoginSession>(MemoryStorage::new());
    let server = Server::new(sessions.build().unwrap(), |config| {
        config.route(
            "/",
            get().to(async |session: CurrentSession<LoginSession>| session.set(LoginSession).map(|()| "")),
        );
    })
    .await;
    let cookie = server.get("/").await.cookies().remove(0);
    assert_eq!(cookie.name, "__Host-login_session");
    // And what it asks for is there, or it is refused.
    assert!(cookie.has("Secure") && !cookie.has("Domain") && cookie.attribute("Path") == Some("/"));
    for miswritten in [
        "__host-visits",
        "__HOST-visits",
        "__secure-visits",
        "__Host-",
        "__Secure-",
    ] {
        assert!(is_refused(options(|o| o.name(miswritten))), "{miswritten}");
    }
    assert!(is_refused(options(|o| o.name(NAME).secure(false))));
    assert!(is_refused(options(|o| o.name(NAME).path("/shop"))));
    assert!(is_refused(options(|o| o.name(NAME).domain("example.org"))));
}

/// The crate `cookie`: a `Max-Age` too large for its own arithmetic was a panic.
#[actix_web::test]
async fn rustsec_2017_0005_no_max_age_and_no_time_is_a_panic() {
    for huge in [
        Duration::MAX,
        Duration::from_secs(u64::MAX),
        Duration::from_secs(401 * 86_400),
    ] {
        assert!(is_refused(options(|o| o.max_age(huge))), "{huge:?}");
    }
    let longest = Duration::from_secs(400 * 86_400);
    for now in [0, 253_402_300_799_999, u64::MAX / 2, u64::MAX] {
        let clock = ManualClock::new(Timestamp::from_millis(now));
        let scene = Scene::at(options(|o| o.max_age(longest)), clock).await;
        let cookie = scene.server.get("/set/1").await;
        assert_eq!(cookie.status, 200, "at {now}");
    }
}
