//! No cache may keep a token, nor give one client's answer to another: every way to a session says so.

use actix_web::{
    App, HttpResponse,
    dev::Service as _,
    guard,
    http::header::{self, HeaderName},
    test, web,
};
use serde::{Deserialize, Serialize};
use sessions_actix::{
    CurrentSession, FreshSession, RequiredSession, Session, SessionAdmin, SessionError, SessionPeek as _,
    Sessions, SessionsExt as _, challenge, storage::MemoryStorage,
};

use crate::support::{
    Answer, Behaviour, Call, Login, Preferences, Spy, begin, get, get_with, login, send, sessions, theme,
};

fn vary(answer: &Answer) -> Vec<&str> {
    let lines = answer.headers.get_all(header::VARY);
    lines.map(|line| line.to_str().unwrap()).collect()
}

/// Asks with a live session and without one.
macro_rules! varies {
    ($($name:ident: $handler:expr;)*) => {$(
        #[actix_web::test]
        async fn $name() {
            let sessions = sessions(&Spy::new());
            let cookie = begin(&sessions, login("ada")).await;
            let app = App::new().wrap(sessions).default_service(web::to($handler));
            let app = test::init_service(app).await;
            for request in [get("/"), get_with("/", &cookie), get_with("/", "LOGIN=junk")] {
                assert_eq!(vary(&send(&app, request).await), ["cookie"]);
            }
        }
    )*};
}

varies! {
    a_current_session_varies: |_: CurrentSession<Login>| async { "" };
    a_required_session_varies_its_refusal_included: |_: RequiredSession<Login>| async { "" };
    an_optional_session_varies: |_: Option<RequiredSession<Login>>| async { "" };
    a_result_of_a_session_varies: |_: Result<RequiredSession<Login>, actix_web::Error>| async { "" };
    a_fresh_session_varies_its_refusal_included: |_: FreshSession<Login, 60>| async { "" };
    a_session_of_the_request_varies: |request: actix_web::HttpRequest| async move {
        request.session::<Login>().await.map(|_| "")
    };
    a_session_that_nobody_looks_at_varies: |session: CurrentSession<Login>| async move {
        drop(session);
        HttpResponse::NoContent().finish()
    };
}

#[actix_web::test]
async fn a_session_that_middleware_reads_varies_though_the_handler_does_not() {
    let sessions = sessions(&Spy::new());
    let app = App::new()
        .wrap_fn(|request, service| {
            let session = request.session::<Login>();
            let answer = service.call(request);
            async move {
                session.await?;
                answer.await
            }
        })
        .wrap(sessions)
        .default_service(web::to(|| async { "" }));
    let app = test::init_service(app).await;
    assert_eq!(vary(&send(&app, get("/")).await), ["cookie"]);
}

#[actix_web::test]
async fn a_guard_that_peeks_varies_whether_it_lets_through_or_not() {
    let sessions = sessions(&Spy::new());
    let dark = begin(&sessions, theme("dark")).await;
    let is_dark = guard::fn_guard(|context| {
        context
            .peek::<Preferences>()
            .is_some_and(|preferences| preferences.theme == "dark")
    });
    let app = App::new()
        .wrap(sessions)
        .route("/", web::get().guard(is_dark).to(|| async { "dark" }));
    let app = test::init_service(app).await;
    let (rejected, admitted) = (send(&app, get("/")).await, send(&app, get_with("/", &dark)).await);
    assert_eq!((rejected.status.as_u16(), admitted.text()), (404, "dark"));
    assert_eq!(
        (vary(&rejected), vary(&admitted)),
        (vec!["cookie"], vec!["cookie"])
    );
}

#[actix_web::test]
async fn a_guard_that_cannot_see_a_session_depends_on_none() {
    let app = App::new().wrap(sessions(&Spy::new())).route(
        "/",
        web::get()
            .guard(guard::fn_guard(|context| context.peek::<Login>().is_none()))
            .to(|| async { "unseen" }),
    );
    let answer = send(&test::init_service(app).await, get_with("/", "LOGIN=junk")).await;
    assert_eq!((answer.text(), vary(&answer)), ("unseen", vec![]));
}

#[actix_web::test]
async fn a_storage_that_fails_varies() {
    let storage = Spy::new();
    let sessions = sessions(&storage);
    let cookie = begin(&sessions, login("ada")).await;
    storage.on(Call::Load, Behaviour::Fail);
    let app = App::new()
        .wrap(sessions)
        .default_service(web::to(|_: CurrentSession<Login>| async { "" }));
    let answer = send(&test::init_service(app).await, get_with("/", &cookie)).await;
    assert_eq!((answer.status.as_u16(), vary(&answer)), (503, vec!["cookie"]));
}

#[actix_web::test]
async fn a_challenge_varies() {
    let sessions = crate::support::builder(&Spy::new())
        .challenge::<Login>(challenge::redirect_to("/login"))
        .build()
        .unwrap();
    let app = App::new()
        .wrap(sessions)
        .default_service(web::to(|_: RequiredSession<Login>| async { "" }));
    let answer = send(&test::init_service(app).await, get("/")).await;
    assert_eq!((answer.status.as_u16(), vary(&answer)), (303, vec!["cookie"]));
}

#[derive(Session, Serialize, Deserialize)]
#[session(name = "ACCOUNT")]
struct Account {
    #[session(principal)]
    user: String,
}

#[actix_web::test]
async fn looking_after_other_sessions_depends_on_no_cookie() {
    let sessions = Sessions::builder()
        .server_side::<Account>(MemoryStorage::new())
        .build()
        .unwrap();
    let list = |admin: SessionAdmin<Account>| async move {
        admin.list("ada").await.map(|sessions| sessions.len().to_string())
    };
    let app = App::new().wrap(sessions).default_service(web::to(list));
    let answer = send(&test::init_service(app).await, get("/")).await;
    assert_eq!((answer.text(), vary(&answer)), ("0", vec![]));
}

async fn change(
    session: CurrentSession<Login>,
    how: web::Path<String>,
) -> Result<HttpResponse, SessionError> {
    match how.as_str() {
        "set" => session.set(login("bea"))?,
        "start" => session.start(login("bea"))?,
        "insert" => session.update_or_insert_with(|| login("bea"), |_| ()).await?,
        "rotate" => session.rotate_id()?,
        "renew" => session.renew_id()?,
        "clear" => session.clear()?,
        "take" => drop(session.take().await?),
        _ => {}
    }
    Ok(HttpResponse::build(match how.as_str() {
        "start" => actix_web::http::StatusCode::NOT_FOUND,
        "clear" => actix_web::http::StatusCode::INTERNAL_SERVER_ERROR,
        _ => actix_web::http::StatusCode::OK,
    })
    .finish())
}

#[actix_web::test]
async fn every_response_with_a_token_or_without_one_any_more_is_not_to_be_stored() {
    const NO_STORE: Option<&str> = Some("no-store");
    let control = |answer: &Answer| {
        answer
            .header(HeaderName::from_static("cache-control"))
            .map(str::to_owned)
    };
    for (how, with_a_session, sends) in [
        ("set", false, true),
        ("start", false, true),
        ("start", true, true),
        ("insert", false, true),
        ("insert", true, false),
        ("rotate", true, true),
        ("renew", true, true),
        ("clear", true, true),
        ("take", true, true),
        ("read", true, false),
        ("read", false, false),
    ] {
        let sessions = sessions(&Spy::new());
        let cookie = begin(&sessions, login("ada")).await;
        let app = App::new().wrap(sessions).route("/{how}", web::get().to(change));
        let path = format!("/{how}");
        let request = if with_a_session {
            get_with(&path, &cookie)
        } else {
            get(&path)
        };
        let answer = send(&test::init_service(app).await, request).await;
        let what = format!("{how} {with_a_session}");
        assert_eq!(answer.set_cookie("LOGIN").is_some(), sends, "{what}");
        assert_eq!(control(&answer).as_deref(), NO_STORE.filter(|_| sends), "{what}");
        assert_eq!(vary(&answer), ["cookie"], "{what}");
    }
    // A dead token is taken away.
    let app = App::new()
        .wrap(sessions(&Spy::new()))
        .route("/{how}", web::get().to(change));
    let dead = send(&test::init_service(app).await, get_with("/read", "LOGIN=junk")).await;
    assert!(dead.removes("LOGIN"));
    assert_eq!(control(&dead).as_deref(), NO_STORE);
}
