//! What else a response with a session says, and what of the handler's own stays.

use actix_web::{
    HttpResponse,
    http::Method,
    test::TestRequest,
    web::{Redirect, ServiceConfig, get, head},
};
use sessions_actix::{CurrentSession, Sessions, SessionsBuilder, Transport, storage::MemoryStorage};
use tests::judge::Exception;

use crate::support::{Basket, Browser, Server, Visits, numbers, ok};

fn builder() -> SessionsBuilder {
    Sessions::builder().server_side::<Visits>(MemoryStorage::new())
}

async fn server(routes: impl FnOnce(&mut ServiceConfig)) -> Server {
    Server::new(builder().build().unwrap(), |config| {
        config.configure(numbers::<Visits>("")).configure(routes);
    })
    .await
}

/// Answers to a request that has set a session.
macro_rules! answering {
    ($response:expr) => {
        |config: &mut ServiceConfig| {
            config.route(
                "/",
                get().to(async |session: CurrentSession<Visits>| {
                    session.set(Visits { count: 1 })?;
                    ok($response)
                }),
            );
        }
    };
}

#[actix_web::test]
async fn a_response_that_read_a_session_varies_by_cookie() {
    let server = server(|_| {}).await;
    let mut browser = Browser::new(&server);
    assert_eq!(browser.get("/get").await.lines("vary"), ["cookie"]);
    assert_eq!(browser.get("/set/1").await.lines("vary"), ["cookie"]);
    assert_eq!(browser.get("/get").await.lines("vary"), ["cookie"]);
    assert_eq!(browser.get("/clear").await.lines("vary"), ["cookie"]);
}

#[actix_web::test]
async fn a_response_without_a_session_says_nothing_of_it() {
    let server = server(|_| {}).await;
    let mut browser = Browser::new(&server);
    browser.get("/set/1").await;
    let answer = browser.get("/untouched").await;
    for name in ["vary", "cache-control", "set-cookie"] {
        assert!(answer.lines(name).is_empty(), "{name}");
    }
}

#[actix_web::test]
async fn vary_is_merged_into_one_line_without_duplicates() {
    let several = server(answering!(
        HttpResponse::Ok()
            .append_header(("vary", "Accept, Origin"))
            .append_header(("vary", "origin,Accept-Language ,"))
            .finish()
    ))
    .await;
    assert_eq!(
        several.get("/").await.lines("vary"),
        ["Accept, Origin, Accept-Language, cookie"]
    );
}

#[actix_web::test]
async fn vary_that_says_it_already_stays_as_it_is() {
    let cookie = server(answering!(
        HttpResponse::Ok()
            .insert_header(("vary", "Accept, Cookie"))
            .finish()
    ))
    .await;
    assert_eq!(cookie.get("/").await.lines("vary"), ["Accept, Cookie"]);
    let star = server(answering!(
        HttpResponse::Ok().insert_header(("vary", "*")).finish()
    ))
    .await;
    assert_eq!(star.get("/").await.lines("vary"), ["*"]);
}

#[actix_web::test]
async fn two_sessions_vary_by_both_of_their_headers() {
    let sessions = builder()
        .server_side_with::<Basket>(MemoryStorage::new(), |o| {
            o.name("X-Basket").transport(Transport::Header)
        })
        .build()
        .unwrap();
    let server = Server::new(sessions, |config| {
        config.route(
            "/",
            get().to(async |_: CurrentSession<Visits>, _: CurrentSession<Basket>| "both"),
        );
    })
    .await;
    assert_eq!(server.get("/").await.lines("vary"), ["cookie, x-basket"]);
}

#[actix_web::test]
async fn a_response_that_sends_or_removes_a_token_is_not_stored() {
    let server = server(|_| {}).await;
    let mut browser = Browser::new(&server);
    assert_eq!(browser.get("/set/1").await.lines("cache-control"), ["no-store"]);
    assert!(browser.get("/get").await.lines("cache-control").is_empty());
    assert_eq!(browser.get("/clear").await.lines("cache-control"), ["no-store"]);
}

#[actix_web::test]
async fn the_handlers_own_cache_control_stays() {
    let server = server(answering!(
        HttpResponse::Ok()
            .insert_header(("cache-control", "private, max-age=5"))
            .finish()
    ))
    .await;
    server.except(Exception::CacheControl);
    let answer = server.get("/").await;
    assert!(answer.cookie("VISITS").is_some());
    assert_eq!(answer.lines("cache-control"), ["private, max-age=5"]);
}

#[actix_web::test]
async fn a_set_cookie_of_the_sessions_name_is_replaced_and_others_stay() {
    let server = server(answering!(
        HttpResponse::Ok()
            .append_header(("set-cookie", "first=1; Path=/"))
            .append_header(("set-cookie", "VISITS=forged; Path=/"))
            .append_header(("set-cookie", "VISITS_TOO=2; Path=/"))
            .append_header(("set-cookie", "VISITS=again; Path=/other"))
            .append_header(("set-cookie", "visits=3; Path=/"))
            .finish()
    ))
    .await;
    let answer = server.get("/").await;
    let names: Vec<_> = answer.cookies().into_iter().map(|cookie| cookie.name).collect();
    assert_eq!(names, ["first", "VISITS_TOO", "visits", "VISITS"]);
    assert!(answer.cookie("VISITS").unwrap().value.len() > 40);
}

#[actix_web::test]
async fn a_handler_that_answers_without_a_body_still_sends_its_cookie() {
    let no_content = server(answering!(HttpResponse::NoContent().finish())).await;
    let not_modified = server(answering!(HttpResponse::NotModified().finish())).await;
    let empty = server(answering!(HttpResponse::Ok().finish())).await;
    let redirect = server(answering!(Redirect::to("/get").see_other())).await;
    for (server, status) in [
        (no_content, 204),
        (not_modified, 304),
        (empty, 200),
        (redirect, 303),
    ] {
        let mut browser = Browser::new(&server);
        let answer = browser.get("/").await;
        assert_eq!((answer.status.as_u16(), answer.text()), (status, ""));
        assert!(answer.cookie("VISITS").is_some(), "{status}");
        assert_eq!(browser.get("/get").await.text(), "1", "{status}");
    }
}

#[actix_web::test]
async fn an_answer_to_head_sends_its_cookie() {
    let server = server(|config| {
        config.route(
            "/",
            head().to(async |session: CurrentSession<Visits>| {
                session.set(Visits { count: 1 })?;
                ok(HttpResponse::Ok().finish())
            }),
        );
    })
    .await;
    let request = TestRequest::with_uri("/").method(Method::HEAD);
    assert!(server.call(request.to_request()).await.cookie("VISITS").is_some());
}

#[actix_web::test]
async fn clear_site_data_comes_with_a_logout_and_with_nothing_else() {
    let sessions = Sessions::builder()
        .server_side_with::<Visits>(MemoryStorage::new(), |o| o.clear_site_data())
        .build()
        .unwrap();
    let mut browser = Browser::new(&Server::new(sessions, numbers::<Visits>("")).await);
    assert!(
        browser.get("/clear").await.lines("clear-site-data").is_empty(),
        "no session"
    );
    for path in ["/set/1", "/get", "/update"] {
        assert!(
            browser.get(path).await.lines("clear-site-data").is_empty(),
            "{path}"
        );
    }
    let logout = browser.get("/clear").await;
    assert_eq!(
        logout.lines("clear-site-data"),
        ["\"cache\", \"cookies\", \"storage\""]
    );
    assert!(logout.cookie("VISITS").unwrap().is_removal());
    browser.put("VISITS", "junk");
    let dead = browser.get("/get").await;
    assert!(dead.cookie("VISITS").unwrap().is_removal());
    assert!(dead.lines("clear-site-data").is_empty(), "nobody has logged out");
}

#[actix_web::test]
async fn clear_site_data_is_off_by_default() {
    let server = server(|_| {}).await;
    let mut browser = Browser::new(&server);
    browser.get("/set/1").await;
    assert!(browser.get("/clear").await.lines("clear-site-data").is_empty());
}
