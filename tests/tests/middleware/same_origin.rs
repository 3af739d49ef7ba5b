//! Requests that pages of other sites make do not get through, as far as browsers say where they come from.

use actix_web::{
    App, HttpRequest, HttpResponse,
    http::{
        Method, StatusCode,
        header::{HOST, HeaderName, HeaderValue, ORIGIN, UPGRADE},
    },
    test::{self, TestRequest},
    web,
};
use sessions_actix::{CurrentSession, SameOrigin, SameOriginGuard};
use tests::leaks::Log;

use crate::support::{Answer, Login, Spy, begin, get_with, login, send, sessions, user};

const SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
const OWN: &str = "shop.example";
const TRUSTED: &str = "https://accounts.example";

fn guard() -> SameOriginGuard {
    SameOriginGuard::new()
        .trust([TRUSTED, "https://app.example:8443", "http://localhost:3000"])
        .unwrap()
}

fn post() -> TestRequest {
    TestRequest::post().uri("/").insert_header((HOST, OWN))
}

/// With these lines of `Sec-Fetch-Site` and of `Origin`.
fn saying(mut request: TestRequest, sites: &[&str], origins: &[&str]) -> TestRequest {
    for site in sites {
        request = request.append_header((SITE, *site));
    }
    for origin in origins {
        request = request.append_header((ORIGIN, *origin));
    }
    request
}

async fn handler() -> &'static str {
    "ran"
}

async fn guarded(_: SameOrigin) -> &'static str {
    "ran"
}

fn passed(answer: &Answer) -> bool {
    let passed = answer.status == StatusCode::OK && answer.text() == "ran";
    assert!(passed || answer.is_bare(StatusCode::FORBIDDEN), "{answer:?}");
    passed
}

/// What the middleware says, and the extractor, which have to agree.
async fn passes(request: impl Fn() -> TestRequest) -> bool {
    let around = test::init_service(App::new().default_service(web::to(handler)).wrap(guard())).await;
    let inside = test::init_service(App::new().app_data(guard()).default_service(web::to(guarded))).await;
    let by_middleware = passed(&send(&around, request()).await);
    assert_eq!(passed(&send(&inside, request()).await), by_middleware);
    by_middleware
}

#[actix_web::test]
async fn what_changes_nothing_passes_wherever_it_comes_from() {
    for method in [Method::GET, Method::HEAD, Method::OPTIONS, Method::TRACE] {
        let app = App::new()
            .default_service(web::to(HttpResponse::Ok))
            .wrap(guard());
        let app = test::init_service(app).await;
        for (sites, origins) in [
            (&["cross-site"][..], &["https://evil.example"][..]),
            (&["same-site"], &["null"]),
            (&["", "x"], &["", "x"]),
        ] {
            let request = saying(post().method(method.clone()), sites, origins);
            assert_eq!(send(&app, request).await.status, StatusCode::OK, "{method}");
        }
    }
}

#[actix_web::test]
async fn whatever_other_method_it_has_it_is_looked_at() {
    for method in ["POST", "PUT", "PATCH", "DELETE", "CONNECT", "PROPFIND", "get"] {
        let request = || post().method(Method::from_bytes(method.as_bytes()).unwrap());
        assert!(
            passes(|| saying(request(), &["same-origin"], &[])).await,
            "{method}"
        );
        assert!(
            !passes(|| saying(request(), &["cross-site"], &[])).await,
            "{method}"
        );
    }
}

#[actix_web::test]
async fn the_site_that_a_browser_says_decides() {
    for (site, origin, expected) in [
        ("same-origin", None, true),
        ("same-origin", Some("https://shop.example"), true),
        // With `Referrer-Policy: no-referrer`.
        ("same-origin", Some("null"), true),
        ("none", None, true),
        ("none", Some("null"), true),
        ("same-site", None, false),
        ("same-site", Some("https://blog.shop.example"), false),
        // A page that came over http, or through a proxy that writes another host.
        ("same-site", Some("https://shop.example"), false),
        ("cross-site", Some("https://shop.example"), false),
        ("cross-site", Some("https://evil.example"), false),
        ("cross-site", Some("null"), false),
        ("cross-site", None, false),
        ("same-site", Some(TRUSTED), true),
        ("cross-site", Some(TRUSTED), true),
        ("cross-site", Some("https://app.example:8443"), true),
        ("cross-site", Some("https://app.example"), false),
        ("cross-site", Some("http://accounts.example"), false),
        ("cross-site", Some("https://accounts.example:443"), false),
        ("cross-site", Some("https://accounts.example.evil.example"), false),
        ("cross-site", Some("https://accounts.example/"), false),
        // No browser says these.
        ("", None, false),
        ("", Some("https://shop.example"), false),
        ("Same-Origin", None, false),
        ("same-origin, none", None, false),
        ("same-origin;x", None, false),
        ("anything", None, false),
        ("anything", Some(TRUSTED), true),
    ] {
        let origins: Vec<_> = origin.into_iter().collect();
        let passed = passes(|| saying(post(), &[site], &origins)).await;
        assert_eq!(passed, expected, "{site} {origin:?}");
    }
}

#[actix_web::test]
async fn without_a_site_the_origin_has_to_be_the_host_of_the_request() {
    for (host, origin, expected) in [
        (OWN, "https://shop.example", true),
        (OWN, "http://shop.example", true),
        (OWN, "https://shop.example:443", true),
        (OWN, "https://shop.example:80", false),
        (OWN, "http://shop.example:80", true),
        (OWN, "https://shop.example:8443", false),
        ("SHOP.example", "https://shop.example", true),
        ("shop.example:443", "https://shop.example", true),
        ("shop.example:443", "http://shop.example", false),
        ("shop.example:80", "http://shop.example", true),
        ("shop.example:80", "https://shop.example", false),
        ("shop.example:8443", "https://shop.example:8443", true),
        ("shop.example:8443", "http://shop.example:8443", true),
        ("shop.example:8443", "https://shop.example", false),
        ("shop.example:8443", "https://shop.example:8444", false),
        ("127.0.0.1:8080", "http://127.0.0.1:8080", true),
        ("127.0.0.1:8080", "http://localhost:8080", false),
        ("[2001:db8::1]:8080", "http://[2001:db8::1]:8080", true),
        ("[2001:db8::1]", "https://[2001:db8::1]", true),
        ("[2001:db8::1]", "https://[2001:db8::2]", false),
        (OWN, TRUSTED, true),
        (OWN, "http://localhost:3000", true),
        (OWN, "https://evil.example", false),
        (OWN, "https://shop.example.evil.example", false),
        (OWN, "https://evilshop.example", false),
        (OWN, "https://blog.shop.example", false),
        (OWN, "https://shop.example.", false),
        // What is no origin, or not one of a page.
        (OWN, "null", false),
        (OWN, "", false),
        (OWN, OWN, false),
        (OWN, "https://", false),
        (OWN, "https://shop.example/", false),
        (OWN, "https://shop.example:", false),
        (OWN, "https://shop.example:+443", false),
        (OWN, "https://shop.example:99999", false),
        (OWN, "https://user@shop.example", false),
        (OWN, "https://shop.example https://evil.example", false),
        (OWN, "https://shop.example, https://evil.example", false),
        (OWN, "HTTPS://shop.example", false),
        (OWN, "ftp://shop.example", false),
        (OWN, "chrome-extension://shop.example", false),
        // What is no host.
        ("", "https://", false),
        ("null", "null", false),
        ("shop.example/", "https://shop.example", false),
        ("user@shop.example", "https://user@shop.example", false),
        ("[2001:db8::1", "https://[2001:db8::1", false),
        ("[x]", "https://[x]", false),
    ] {
        let request = || {
            let request = TestRequest::post().uri("/").insert_header((HOST, host));
            saying(request, &[], &[origin])
        };
        assert_eq!(passes(request).await, expected, "{host} {origin}");
    }
}

#[actix_web::test]
async fn without_one_host_no_origin_is_its_own() {
    let none = || saying(TestRequest::post().uri("/"), &[], &["https://shop.example"]);
    assert!(!passes(none).await);
    let two = || saying(post(), &[], &["https://shop.example"]).append_header((HOST, "evil.example"));
    assert!(!passes(two).await);
    // The target's host is the request's, as in HTTP/2.
    let target = |place: &'static str| {
        let request = TestRequest::post()
            .uri(place)
            .insert_header((HOST, "evil.example"));
        saying(request, &[], &["https://shop.example"])
    };
    assert!(passes(|| target("https://shop.example/cart")).await);
    assert!(!passes(|| target("https://evil.example/cart")).await);
}

#[actix_web::test]
async fn what_is_said_twice_is_refused() {
    for (sites, origins) in [
        (&["same-origin", "same-origin"][..], &[][..]),
        (&["same-origin", "cross-site"], &[]),
        (&["cross-site", "same-origin"], &[TRUSTED]),
        (
            &["same-origin"],
            &["https://shop.example", "https://shop.example"],
        ),
        (&["cross-site"], &[TRUSTED, TRUSTED]),
        (&[], &["https://shop.example", "https://evil.example"]),
        (&[], &[TRUSTED, "null"]),
    ] {
        assert!(
            !passes(|| saying(post(), sites, origins)).await,
            "{sites:?} {origins:?}"
        );
    }
}

#[actix_web::test]
async fn octets_that_are_no_text_are_refused() {
    for octets in [&b"same-origin\xff"[..], b"https://shop.example\xff", b"\xff"] {
        let value = || HeaderValue::from_bytes(octets).unwrap();
        assert!(!passes(|| post().insert_header((SITE, value()))).await);
        assert!(!passes(|| post().insert_header((ORIGIN, value()))).await);
        let host =
            || saying(TestRequest::post(), &[], &["https://shop.example"]).insert_header((HOST, value()));
        assert!(!passes(host).await);
    }
}

#[actix_web::test]
async fn what_is_said_by_no_browser_passes() {
    assert!(passes(post).await);
    assert!(passes(|| TestRequest::post().uri("/")).await);
}

#[actix_web::test]
async fn the_handshake_of_a_websocket_is_looked_at_although_it_is_a_get() {
    let handshake = || post().method(Method::GET).insert_header((UPGRADE, "websocket"));
    for (sites, origins, expected) in [
        (&[][..], &["https://shop.example"][..], true),
        (&["same-origin"], &["https://shop.example"], true),
        (&[], &[TRUSTED], true),
        (&[], &[], true),
        (&[], &["https://evil.example"], false),
        (&["cross-site"], &["https://evil.example"], false),
    ] {
        let passed = passes(|| saying(handshake(), sites, origins)).await;
        assert_eq!(passed, expected, "{sites:?} {origins:?}");
    }
}

#[actix_web::test]
async fn an_extractor_without_a_guard_beside_it_trusts_nobody() {
    let app = test::init_service(App::new().default_service(web::to(guarded))).await;
    assert!(passed(&send(&app, post()).await));
    assert!(passed(&send(&app, saying(post(), &["same-origin"], &[])).await));
    assert!(!passed(
        &send(&app, saying(post(), &["same-site"], &[TRUSTED])).await
    ));
    assert!(!passed(&send(&app, saying(post(), &[], &[TRUSTED])).await));
}

#[actix_web::test]
async fn what_is_refused_reads_no_session_and_the_log_says_only_that() {
    let storage = Spy::new();
    let sessions = sessions(&storage);
    let cookie = begin(&sessions, login("ada")).await;
    let read = |session: CurrentSession<Login>, _: HttpRequest| async move { user(&session) };
    let app = App::new()
        .default_service(web::to(read))
        .wrap(sessions)
        .wrap(guard());
    let app = test::init_service(app).await;
    assert_eq!(send(&app, get_with("/", &cookie)).await.text(), "ada");
    storage.calls();
    let log = Log::begin();
    let request = get_with("/", &cookie).method(Method::POST);
    let answer = send(&app, saying(request, &["cross-site"], &["https://evil.example"])).await;
    assert!(answer.is_bare(StatusCode::FORBIDDEN), "{answer:?}");
    assert!(storage.calls().is_empty());
    assert_eq!(
        log.everything(),
        "DEBUG message=the request comes from another origin "
    );
}

#[test]
fn an_origin_that_is_trusted_is_scheme_host_and_port_and_the_error_says_how_to_write_it() {
    for good in [
        "https://shop.example",
        "https://shop.example:8443",
        "http://localhost:3000",
        "https://xn--mnchen-3ya.example",
        "https://[2001:db8::1]:8443",
        "https://192.0.2.7",
    ] {
        assert!(SameOriginGuard::new().trust([good]).is_ok(), "{good}");
    }
    for (bad, help) in [
        ("shop.example", "begin with `https://`"),
        ("", "begin with `https://`"),
        ("null", "begin with `https://`"),
        ("*", "begin with `https://`"),
        ("//shop.example", "begin with `https://`"),
        ("https:/shop.example", "begin with `https://`"),
        ("ftp://shop.example", "begin with `https://`"),
        ("https://*.shop.example", "no wildcards"),
        ("https://*", "no wildcards"),
        ("https://shop.example/", "leave out what follows"),
        ("https://shop.example/cart", "leave out what follows"),
        ("https://shop.example?a", "leave out what follows"),
        ("https://shop.example#a", "leave out what follows"),
        ("https://", "write a host"),
        ("https://:8443", "write a host"),
        ("https://shop.example:", "write a host"),
        ("https://shop.example:https", "write a host"),
        ("https://shop.example:65536", "write a host"),
        ("https://user@shop.example", "write a host"),
        ("https://münchen.example", "write a host"),
        ("https://shop.example ", "write a host"),
        ("https://a.example,https://b.example", "leave out what follows"),
        ("https://2001:db8::1", "write a host"),
    ] {
        let error = SameOriginGuard::new().trust([bad]).unwrap_err().to_string();
        assert!(error.contains(help) && error.contains(bad), "{bad}: {error}");
    }
}

#[actix_web::test]
async fn an_origin_may_be_written_with_the_usual_port_and_in_any_case() {
    let guard = SameOriginGuard::new()
        .trust([
            "HTTPS://Accounts.Example:443",
            "http://a.example:80",
            "http://b.example:443",
        ])
        .unwrap();
    let app = App::new().default_service(web::to(handler)).wrap(guard);
    let app = test::init_service(app).await;
    for (origin, expected) in [
        (TRUSTED, true),
        ("http://a.example", true),
        ("http://b.example:443", true),
        ("https://b.example", false),
    ] {
        let answer = send(&app, saying(post(), &["cross-site"], &[origin])).await;
        assert_eq!(passed(&answer), expected, "{origin}");
    }
}
