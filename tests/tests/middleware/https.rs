//! Requests over plain http do not reach sessions, whatever they claim.

use std::net::{IpAddr, SocketAddr};

use actix_service::ServiceFactory as _;
use actix_web::{
    App,
    dev::AppConfig,
    http::{Method, StatusCode, header},
    test::{self, TestRequest},
    web,
};
use sessions_actix::{CurrentSession, HttpsGuard};

use crate::support::{Answer, Login, Spy, begin, login, send, sessions, user};

const PROXY: &str = "10.1.2.3";
const STRANGER: &str = "203.0.113.9";

fn guard() -> HttpsGuard {
    HttpsGuard::new()
        .trust(["10.0.0.0/8", "192.0.2.1", "fd00::/8"])
        .unwrap()
}

fn from(peer: &str) -> TestRequest {
    let peer: IpAddr = peer.parse().unwrap();
    TestRequest::get()
        .uri("/cart?id=7")
        .insert_header((header::HOST, "shop.example"))
        .peer_addr(SocketAddr::new(peer, 4711))
}

/// Whether the session was read, and what the client is told.
async fn ask(guard: HttpsGuard, request: TestRequest) -> (bool, Answer) {
    let storage = Spy::new();
    let sessions = sessions(&storage);
    let cookie = begin(&sessions, login("ada")).await;
    storage.calls();
    let read = |session: CurrentSession<Login>| async move { user(&session) };
    let app = App::new()
        .default_service(web::to(read))
        .wrap(sessions)
        .wrap(guard);
    let app = test::init_service(app).await;
    let answer = send(&app, request.insert_header((header::COOKIE, cookie))).await;
    let was_read = !storage.calls().is_empty();
    assert_eq!(was_read, answer.text() == "ada", "{answer:?}");
    (was_read, answer)
}

async fn passes(request: TestRequest) -> bool {
    ask(guard(), request).await.0
}

fn proto(request: TestRequest, proto: &str) -> TestRequest {
    request.append_header(("x-forwarded-proto", proto))
}

fn forwarded(request: TestRequest, element: &str) -> TestRequest {
    request.append_header((header::FORWARDED, element))
}

#[actix_web::test]
async fn a_trusted_proxy_is_believed() {
    for peer in [PROXY, "10.255.255.255", "192.0.2.1", "fd12::1", "::ffff:10.1.2.3"] {
        for said in ["https", "HTTPS", " https ", "https, https"] {
            assert!(passes(proto(from(peer), said)).await, "{peer} {said}");
        }
        for said in [
            "proto=https",
            "for=192.0.2.60;Proto=HTTPS;by=203.0.113.43",
            "for=\"[2001:db8::1]:4711\"; proto=\"https\"",
            "proto=https;for=\"a,b;proto=http\", for=_x;proto=https",
        ] {
            assert!(passes(forwarded(from(peer), said)).await, "{peer} {said}");
        }
        assert!(passes(forwarded(proto(from(peer), "https"), "proto=https")).await);
    }
}

#[actix_web::test]
async fn a_stranger_is_not_believed_whatever_it_says() {
    for peer in [
        STRANGER,
        "11.0.0.1",
        "9.255.255.255",
        "192.0.2.2",
        "fc00::1",
        "fe00::1",
        "::10.1.2.3",
        "127.0.0.1",
        "::1",
    ] {
        for said in ["https", "https, https", "", "http", "\"https\""] {
            assert!(!passes(proto(from(peer), said)).await, "{peer} {said}");
        }
        for said in [
            "proto=https",
            "for=10.1.2.3;proto=https",
            "for=10.1.2.3",
            "for=\"[fd00::1]\"",
        ] {
            assert!(!passes(forwarded(from(peer), said)).await, "{peer} {said}");
        }
        let all = proto(forwarded(from(peer), "proto=https"), "https")
            .append_header(("x-forwarded-for", PROXY))
            .append_header(("x-forwarded-ssl", "on"))
            .append_header(("front-end-https", "on"));
        assert!(!passes(all).await, "{peer}");
    }
    let nobody = TestRequest::get()
        .uri("/")
        .insert_header((header::HOST, "shop.example"));
    assert!(
        !passes(proto(nobody, "https")).await,
        "a connection without an address"
    );
}

#[actix_web::test]
async fn what_a_client_has_added_takes_the_proxys_word_away() {
    for said in [
        "",
        "http",
        "https, http",
        "http, https",
        "https,",
        ",https",
        "https https",
        "https;http",
        "\"https\"",
        "https\u{a0}",
        "httpss",
        "https://",
        "ws",
    ] {
        assert!(!passes(proto(from(PROXY), said)).await, "{said}");
    }
    for said in [
        "",
        "for=192.0.2.60",
        "proto=http",
        "proto=https, for=192.0.2.60",
        "for=192.0.2.60, proto=https",
        "proto=https, proto=http",
        "proto=https;proto=http",
        "proto=https;proto=https",
        "for=\"proto=https\"",
        "for=\";proto=https\"",
        "for=\"\\\";proto=https\"",
        "for=\"x;proto=https",
        "xproto=https",
        "proto https",
        "proto=\"https",
        // What a client has begun, and its proxy has gone on with.
        "proto=https;for=\", for=192.0.2.60;proto=http",
        "proto=https;for=\", for=\"[2001:db8::1]:4711\";proto=http",
        "proto=https;for=\"\\, for=\"[2001:db8::1]:4711\";proto=http",
        "proto=https;for=\"x\"y",
        "proto=https;for=",
    ] {
        assert!(!passes(forwarded(from(PROXY), said)).await, "{said}");
    }
    assert!(!passes(proto(proto(from(PROXY), "https"), "http")).await);
    assert!(!passes(proto(proto(from(PROXY), "http"), "https")).await);
    assert!(!passes(forwarded(proto(from(PROXY), "https"), "proto=http")).await);
    assert!(!passes(forwarded(proto(from(PROXY), "http"), "proto=https")).await);
    let octets = header::HeaderValue::from_bytes(b"https\xff").unwrap();
    assert!(!passes(from(PROXY).insert_header(("x-forwarded-proto", octets))).await);
    assert!(!passes(from(PROXY)).await, "and none says nothing");
}

#[actix_web::test]
async fn what_is_read_is_sent_to_https_at_the_same_place() {
    for (host, place) in [
        ("shop.example", "https://shop.example/cart?id=7"),
        ("shop.example:8080", "https://shop.example/cart?id=7"),
        ("192.0.2.7:80", "https://192.0.2.7/cart?id=7"),
        ("[2001:db8::1]:8080", "https://[2001:db8::1]/cart?id=7"),
    ] {
        for method in [Method::GET, Method::HEAD] {
            let request = from(STRANGER).method(method).insert_header((header::HOST, host));
            let (_, answer) = ask(guard(), request).await;
            assert_eq!(answer.status, StatusCode::PERMANENT_REDIRECT);
            assert_eq!(answer.header(header::LOCATION), Some(place));
            assert_eq!(answer.header(header::CACHE_CONTROL), Some("no-store"));
            assert!(answer.set_cookies().is_empty() && answer.body.is_empty());
        }
    }
}

#[actix_web::test]
async fn what_is_read_is_sent_to_the_port_that_https_is_said_to_have() {
    for (host, port, place) in [
        ("shop.example", 8443, "https://shop.example:8443/cart?id=7"),
        ("shop.example:8080", 8443, "https://shop.example:8443/cart?id=7"),
        ("[2001:db8::1]:8080", 8443, "https://[2001:db8::1]:8443/cart?id=7"),
        ("shop.example:8080", 443, "https://shop.example/cart?id=7"),
        ("shop.example:443", 80, "https://shop.example:80/cart?id=7"),
    ] {
        let request = from(STRANGER).insert_header((header::HOST, host));
        let (_, answer) = ask(guard().redirect_to_port(port), request).await;
        assert_eq!(answer.status, StatusCode::PERMANENT_REDIRECT);
        assert_eq!(answer.header(header::LOCATION), Some(place));
    }
    // A port is no reason to send on what would be refused.
    let written = from(STRANGER).method(Method::POST);
    let (_, answer) = ask(guard().redirect_to_port(8443), written).await;
    assert!(answer.is_bare(StatusCode::FORBIDDEN));
}

#[actix_web::test]
async fn what_is_written_is_refused_and_not_sent_on() {
    for method in [
        Method::POST,
        Method::PUT,
        Method::PATCH,
        Method::DELETE,
        Method::OPTIONS,
    ] {
        let (_, answer) = ask(guard(), from(STRANGER).method(method)).await;
        assert!(answer.is_bare(StatusCode::FORBIDDEN));
        assert_eq!(answer.header(header::LOCATION), None);
    }
}

#[actix_web::test]
async fn without_a_host_that_is_one_there_is_no_place_to_send_it_to() {
    for host in [
        "",
        ":80",
        "a b",
        "a/b",
        "evil.example/",
        "user@shop.example",
        "[::1",
        "a\\b",
        "sh\u{f6}p",
    ] {
        let request = from(STRANGER).insert_header((header::HOST, host));
        let (_, answer) = ask(guard(), request).await;
        assert!(answer.is_bare(StatusCode::FORBIDDEN), "{host}: {answer:?}");
    }
    let two = from(STRANGER).append_header((header::HOST, "evil.example"));
    assert!(ask(guard(), two).await.1.is_bare(StatusCode::FORBIDDEN));
    let none = TestRequest::get().uri("/");
    assert!(ask(guard(), none).await.1.is_bare(StatusCode::FORBIDDEN));
}

#[actix_web::test]
async fn a_host_that_a_client_claims_to_be_forwarded_is_not_where_it_is_sent() {
    let request = from(STRANGER)
        .insert_header(("x-forwarded-host", "evil.example"))
        .insert_header((header::FORWARDED, "host=evil.example"));
    let (_, answer) = ask(guard(), request).await;
    let place = answer.header(header::LOCATION);
    assert_eq!(place, Some("https://shop.example/cart?id=7"));
}

#[actix_web::test]
async fn loopback_passes_only_where_that_is_said_and_no_proxy_was_between() {
    for peer in ["127.0.0.1", "127.8.8.8", "::1", "::ffff:127.0.0.1"] {
        assert!(!ask(guard(), from(peer)).await.0, "{peer}");
        let development = || guard().plain_http_from_loopback_for_development();
        assert!(ask(development(), from(peer)).await.0, "{peer}");
        assert!(!ask(development(), proto(from(peer), "http")).await.0, "{peer}");
        assert!(!ask(development(), proto(from(peer), "https")).await.0, "{peer}");
        assert!(
            !ask(development(), forwarded(from(peer), "for=192.0.2.60"))
                .await
                .0,
            "{peer}"
        );
    }
    let development = guard().plain_http_from_loopback_for_development();
    assert!(!ask(development, from(STRANGER)).await.0);
}

#[actix_web::test]
async fn a_connection_that_is_tls_passes_and_needs_nobodys_word() {
    for (secure, status) in [(true, StatusCode::OK), (false, StatusCode::PERMANENT_REDIRECT)] {
        let address: SocketAddr = "127.0.0.1:443".parse().unwrap();
        let config = AppConfig::__priv_test_new(secure, "shop.example".to_owned(), address);
        let app = App::new()
            .default_service(web::to(|| async { "in" }))
            .wrap(HttpsGuard::new());
        let app = actix_service::IntoServiceFactory::<_, actix_http::Request>::into_factory(app);
        let app = app.new_service(config).await.unwrap();
        let answer = send(&app, proto(from(STRANGER), "http")).await;
        assert_eq!(answer.status, status);
    }
}

#[actix_web::test]
async fn tls_from_a_proxy_that_was_asked_over_plain_http_is_plain_http() {
    let address: SocketAddr = "127.0.0.1:443".parse().unwrap();
    let config = AppConfig::__priv_test_new(true, "shop.example".to_owned(), address);
    let app = App::new()
        .default_service(web::to(|| async { "in" }))
        .wrap(guard());
    let app = actix_service::IntoServiceFactory::<_, actix_http::Request>::into_factory(app);
    let app = app.new_service(config).await.unwrap();
    for (request, status) in [
        (proto(from(PROXY), "http"), StatusCode::PERMANENT_REDIRECT),
        (proto(from(PROXY), "https"), StatusCode::OK),
        (from(PROXY), StatusCode::OK),
    ] {
        assert_eq!(send(&app, request).await.status, status);
    }
}

#[actix_web::test]
async fn only_addresses_and_networks_can_be_trusted() {
    for network in [
        "0.0.0.0/0",
        "::/0",
        "10.0.0.0/8",
        "10.0.0.1/32",
        "fd00::1/128",
        "::ffff:10.0.0.0/104",
    ] {
        assert!(HttpsGuard::new().trust([network]).is_ok(), "{network}");
    }
    for refused in [
        "",
        "10.0.0.0/33",
        "::/129",
        "10.0.0.0/",
        "10.0.0.0/+8",
        "10.0.0.0/-1",
        "10.0.0.0/8/8",
        "10.0.0.1/8",
        "10.0.0/8",
        "shop.example",
        "10.0.0.1:80",
        "[::1]",
        "::ffff:10.0.0.0/8",
        "10.0.0.0/99999999999",
    ] {
        let error = HttpsGuard::new().trust(["10.0.0.0/8", refused]).unwrap_err();
        assert!(error.to_string().contains(&format!("`{refused}`")), "{error}");
    }
}

#[actix_web::test]
async fn a_network_that_is_everything_is_of_its_family() {
    let trusting = |network| HttpsGuard::new().trust([network]).unwrap();
    for (network, peer, passes) in [
        ("0.0.0.0/0", "203.0.113.9", true),
        ("0.0.0.0/0", "2001:db8::1", false),
        ("::/0", "2001:db8::1", true),
        ("::/0", "203.0.113.9", false),
        ("::ffff:10.0.0.0/104", "10.9.9.9", true),
        ("::ffff:10.0.0.0/104", "11.9.9.9", false),
    ] {
        let (passed, _) = ask(trusting(network), proto(from(peer), "https")).await;
        assert_eq!(passed, passes, "{network} {peer}");
    }
}
