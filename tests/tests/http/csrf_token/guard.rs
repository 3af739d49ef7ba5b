//! What is asked of a request, and what is answered where there is nothing to ask it of.

use actix_web::{
    Result, error,
    http::{Method, StatusCode},
    test::TestRequest,
    web::get,
};
use sessions_actix::{CsrfToken, Sessions, protection::Encrypted, storage::MemoryStorage};

use super::{HEADER, every_way, forgeable, is_good, server, token_of};
use crate::support::{Browser, Log, Server, Spy, Visits, keys};

#[actix_web::test]
async fn the_guard_wants_a_token_of_every_method_that_may_change_something() {
    for builder in every_way(&keys()) {
        let mut browser = Browser::new(&server(builder).await);
        browser.get("/set/1").await;
        for method in ["GET", "HEAD", "OPTIONS", "TRACE"] {
            let method = Method::from_bytes(method.as_bytes()).unwrap();
            let request = TestRequest::default().uri("/api/x").method(method);
            assert_eq!(browser.send(request).await.status, StatusCode::OK);
        }
        for method in ["POST", "PUT", "PATCH", "DELETE", "CONNECT", "PROPFIND", "get"] {
            let token = token_of(&mut browser, "/issue").await;
            let request = || {
                let method = Method::from_bytes(method.as_bytes()).unwrap();
                TestRequest::default().uri("/api/x").method(method)
            };
            let bare = browser.send(request()).await;
            assert_eq!(bare.status, StatusCode::FORBIDDEN, "{method}");
            assert!(bare.body.is_empty());
            let with = browser
                .send(request().insert_header((HEADER, token.as_str())))
                .await;
            assert_eq!(with.status, StatusCode::OK, "{method}");
            let twice = request()
                .append_header((HEADER, token.as_str()))
                .append_header((HEADER, token.as_str()));
            assert_eq!(
                browser.send(twice).await.status,
                StatusCode::FORBIDDEN,
                "{method}"
            );
        }
    }
}

#[actix_web::test]
async fn after_a_logout_no_token_is_good_and_the_guard_lets_everything_through() {
    for builder in every_way(&keys()) {
        let server = server(builder).await;
        let mut browser = Browser::new(&server);
        browser.get("/set/1").await;
        let token = token_of(&mut browser, "/issue").await;
        browser.get("/clear").await;
        let nobody = Browser::new(&server);
        for mut browser in [browser, nobody] {
            let verified = TestRequest::post().uri("/verify").set_payload(token.clone());
            assert_eq!(browser.send(verified).await.status, StatusCode::FORBIDDEN);
            // There is nobody in whose name it could be.
            for request in [
                TestRequest::post().uri("/api/x"),
                TestRequest::post()
                    .uri("/api/x")
                    .insert_header((HEADER, token.as_str())),
                TestRequest::delete().uri("/api/x").insert_header((HEADER, "x")),
            ] {
                assert_eq!(browser.send(request).await.text(), "valid");
            }
            let issued = browser.get("/issue").await;
            assert_eq!(issued.status, StatusCode::UNAUTHORIZED);
        }
    }
}

#[actix_web::test]
async fn of_two_sessions_of_one_name_none_is_anybodys() {
    let server = server(
        Sessions::builder()
            .server_side::<Visits>(MemoryStorage::new())
            .csrf::<Visits>(&keys()),
    )
    .await;
    let (mut one, mut other) = (Browser::new(&server), Browser::new(&server));
    one.get("/set/1").await;
    other.get("/set/2").await;
    let token = token_of(&mut one, "/issue").await;
    let both = format!(
        "VISITS={}; VISITS={}",
        one.value("VISITS").unwrap(),
        other.value("VISITS").unwrap()
    );
    let with = |request: TestRequest| request.insert_header(("cookie", both.as_str())).to_request();
    let verified = server
        .call(with(TestRequest::post().uri("/verify").set_payload(token)))
        .await;
    assert_eq!(verified.status, StatusCode::FORBIDDEN);
    let issued = server.call(with(TestRequest::get().uri("/issue"))).await;
    assert_eq!(issued.status, StatusCode::UNAUTHORIZED);
    let guarded = server.call(with(TestRequest::post().uri("/api/x"))).await;
    assert_eq!(guarded.text(), "valid", "no handler sees a session");
}

#[actix_web::test]
async fn issuing_and_verifying_write_nothing_and_send_no_cookie() {
    let keys = keys();
    let spy = Spy::default();
    let by_id = Sessions::builder().server_side::<Visits>(spy.clone());
    let by_value = Sessions::builder().client_side::<Visits>(Encrypted::new(&keys));
    for builder in [by_id, by_value] {
        let mut browser = Browser::new(&server(builder.csrf::<Visits>(&keys)).await);
        browser.get("/set/1").await;
        spy.calls();
        let issued = browser.get("/issue").await;
        let verified = TestRequest::post()
            .uri("/verify")
            .set_payload(issued.text().to_owned());
        let verified = browser.send(verified).await;
        let guarded = TestRequest::post()
            .uri("/api/x")
            .insert_header((HEADER, issued.text()));
        let guarded = browser.send(guarded).await;
        let refused = browser.send(TestRequest::post().uri("/api/x")).await;
        for answer in [&issued, &verified, &guarded, &refused] {
            assert_eq!(answer.cookies(), []);
            assert_eq!(answer.lines("vary"), ["cookie"], "it is for this client");
        }
        assert!(spy.calls().iter().all(|call| *call == "load"));
        browser.get("/api/x").await;
        assert!(spy.calls().is_empty(), "the guard does not look at what is safe");
    }
}

#[actix_web::test]
async fn a_storage_that_fails_is_a_503_and_no_refusal() {
    let spy = Spy::default();
    let sessions = Sessions::builder().server_side::<Visits>(spy.clone());
    let mut browser = Browser::new(&server(sessions.csrf::<Visits>(&keys())).await);
    browser.get("/set/1").await;
    let token = token_of(&mut browser, "/issue").await;
    spy.fail("load");
    for request in [
        TestRequest::get().uri("/issue"),
        TestRequest::post().uri("/verify").set_payload(token.clone()),
        TestRequest::post()
            .uri("/api/x")
            .insert_header((HEADER, token.as_str())),
    ] {
        let answer = browser.send(request).await;
        assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
        assert!(answer.body.is_empty());
    }
    spy.mend();
    assert!(is_good(&mut browser, "", &token).await);
}

#[actix_web::test]
async fn without_keys_it_is_said_where_to_put_them() {
    let sessions = Sessions::builder().server_side::<Visits>(MemoryStorage::new());
    let mut browser = Browser::new(&server(sessions).await);
    for request in [
        TestRequest::get().uri("/issue"),
        TestRequest::post().uri("/api/x"),
    ] {
        let log = Log::begin();
        let answer = browser.send(request).await;
        assert_eq!(answer.status, StatusCode::INTERNAL_SERVER_ERROR);
        let said = log.complaints().concat();
        assert!(said.contains("`.csrf::<Visits>(&keys)`"), "{said}");
    }
    let nowhere = Server::without_sessions(forgeable::<Visits>("")).await;
    for request in [
        TestRequest::get().uri("/issue"),
        TestRequest::post().uri("/api/x"),
    ] {
        let answer = nowhere.call(request.to_request()).await;
        assert_eq!(answer.status, StatusCode::INTERNAL_SERVER_ERROR);
    }
    let refused = Sessions::builder().csrf::<Visits>(&keys()).build().unwrap_err();
    let text = refused.to_string();
    assert!(text.contains("Visits") && text.contains("`csrf` keys"), "{text}");
}

#[actix_web::test]
async fn a_token_stands_in_no_log_line_and_no_debug() {
    async fn show(csrf: CsrfToken<Visits>) -> Result<String> {
        let token = csrf.issue()?;
        let shown = format!("{csrf:?} {csrf:#?} {:?}", csrf.verify("x"));
        if shown.contains(&token[..16]) {
            return Err(error::ErrorInternalServerError("it shows itself"));
        }
        Ok(token)
    }
    let sessions = Sessions::builder()
        .server_side::<Visits>(MemoryStorage::new())
        .csrf::<Visits>(&keys());
    let server = Server::new(sessions.build().unwrap(), |config| {
        config
            .configure(forgeable::<Visits>(""))
            .route("/show", get().to(show));
    })
    .await;
    let log = Log::begin();
    let (mut browser, mut other) = (Browser::new(&server), Browser::new(&server));
    browser.get("/set/1").await;
    other.get("/set/1").await;
    let token = token_of(&mut browser, "/show").await;
    assert!(is_good(&mut browser, "", &token).await);
    assert!(!is_good(&mut other, "", &token).await);
    browser.get("/rotate").await;
    assert!(!is_good(&mut browser, "", &token).await);
    let said = log.everything();
    assert!(said.contains("no valid token"), "{said}");
    for piece in token.as_bytes().windows(16) {
        assert!(!said.contains(str::from_utf8(piece).unwrap()), "{said}");
    }
}
