//! Installations around an application, a scope and a resource, and inside one another.

use std::sync::Arc;

use actix_web::{
    App, HttpResponse,
    dev::ServiceRequest,
    http::{StatusCode, header},
    middleware::{Next, from_fn},
    test, web,
};
use serde::{Deserialize, Serialize};
use sessions_actix::{
    CurrentSession, ManualClock, RequiredSession, Session, Sessions, SessionsExt as _, protection::Encrypted,
};

use crate::support::{
    Basket, Behaviour, Call, Log, Login, Preferences, Spy, baskets, begin, get, get_with, keys, login, send,
    sessions, theme, user,
};

/// As `Login` is called.
#[derive(Session, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[session(name = "LOGIN")]
struct OtherLogin {
    admin: bool,
}

fn preferences() -> Sessions {
    Sessions::builder()
        .clock(ManualClock::default())
        .client_side::<Preferences>(Encrypted::new(&keys()))
        .build()
        .unwrap()
}

fn logins(storage: &Arc<Spy>) -> Sessions {
    Sessions::builder()
        .clock(ManualClock::default())
        .server_side::<Login>(Arc::clone(storage))
        .build()
        .unwrap()
}

fn other_logins(storage: &Arc<Spy>) -> Sessions {
    Sessions::builder()
        .clock(ManualClock::default())
        .server_side::<OtherLogin>(Arc::clone(storage))
        .build()
        .unwrap()
}

async fn read(session: RequiredSession<Login>) -> String {
    session.user.clone()
}

async fn set_all(
    login: CurrentSession<Login>,
    basket: CurrentSession<Basket>,
    preferences: CurrentSession<Preferences>,
) -> actix_web::Result<&'static str> {
    login.set(crate::support::login("ada"))?;
    basket.set(Basket { items: 1 })?;
    preferences.set(theme("dark"))?;
    Ok("set")
}

async fn show_all(
    login: RequiredSession<Login>,
    basket: RequiredSession<Basket>,
    preferences: RequiredSession<Preferences>,
) -> String {
    format!("{} {} {}", login.user, basket.items, preferences.theme)
}

#[actix_web::test]
async fn it_works_around_an_application_a_scope_and_a_resource() {
    let sessions = sessions(&Spy::new());
    let token = begin(&sessions, login("ada")).await;
    let app = test::init_service(
        App::new()
            .service(
                web::scope("/scope")
                    .wrap(sessions.clone())
                    .route("/read", web::get().to(read)),
            )
            .service(
                web::resource("/resource")
                    .wrap(sessions.clone())
                    .route(web::get().to(read)),
            )
            .route("/outside", web::get().to(read)),
    )
    .await;
    for path in ["/scope/read", "/resource"] {
        assert_eq!(send(&app, get_with(path, &token)).await.text(), "ada", "{path}");
        let answer = send(&app, get(path)).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
    }
    let log = Log::begin();
    let answer = send(&app, get_with("/outside", &token)).await;
    assert!(answer.is_bare(StatusCode::INTERNAL_SERVER_ERROR));
    assert_eq!(log.lines("no `Sessions` middleware is around this").len(), 1);
}

#[actix_web::test]
async fn three_levels_add_their_types_and_hide_none() {
    let storage = Spy::new();
    let app = test::init_service(
        App::new().wrap(logins(&storage)).service(
            web::scope("/a").wrap(baskets(&storage)).service(
                web::resource("/{action}")
                    .wrap(preferences())
                    .route(web::post().to(set_all))
                    .route(web::get().to(show_all)),
            ),
        ),
    )
    .await;
    let answer = send(&app, test::TestRequest::post().uri("/a/b")).await;
    assert_eq!(answer.text(), "set");
    let names = ["PREFERENCES", "BASKET", "LOGIN"];
    let sent: Vec<_> = names.map(|name| answer.sent(name).unwrap()).into();
    // The innermost first.
    let order: Vec<_> = answer
        .set_cookies()
        .iter()
        .map(|line| line.split('=').next().unwrap().to_owned())
        .collect();
    assert_eq!(order, names);
    storage.calls();
    let answer = send(&app, get_with("/a/b", &sent.join("; "))).await;
    assert_eq!(answer.text(), "ada 1 dark");
    assert_eq!(storage.calls(), [Call::Load, Call::Load]);
    assert_eq!(answer.header(header::VARY), Some("cookie"));
}

#[actix_web::test]
async fn an_inner_installation_leaves_the_others_to_the_outer_routes() {
    let storage = Spy::new();
    let outer = logins(&storage);
    let token = begin(&outer, login("ada")).await;
    let app = test::init_service(
        App::new()
            .wrap(outer)
            .service(
                web::scope("/a")
                    .wrap(baskets(&storage))
                    .route("/read", web::get().to(read)),
            )
            .route(
                "/basket",
                web::get().to(|_: CurrentSession<Basket>| async { "basket" }),
            ),
    )
    .await;
    assert_eq!(send(&app, get_with("/a/read", &token)).await.text(), "ada");
    let log = Log::begin();
    let answer = send(&app, get("/basket")).await;
    assert!(answer.is_bare(StatusCode::INTERNAL_SERVER_ERROR));
    assert_eq!(log.lines("add `.server_side::<Basket>(storage)`").len(), 1);
}

#[actix_web::test]
async fn of_two_installations_of_one_type_the_outer_keeps_it_and_it_is_logged_once() {
    let (outside, inside) = (Spy::new(), Spy::new());
    let outer = logins(&outside);
    let token = begin(&outer, login("ada")).await;
    let app = test::init_service(
        App::new().wrap(outer).service(
            web::scope("/a")
                .wrap(logins(&inside))
                .route("/read", web::get().to(read))
                .route(
                    "/set",
                    web::get().to(|session: CurrentSession<Login>| async move {
                        session.set(login("eve")).map(|()| "set")
                    }),
                ),
        ),
    )
    .await;
    outside.calls();
    let log = Log::begin();
    for _ in 0..3 {
        assert_eq!(send(&app, get_with("/a/read", &token)).await.text(), "ada");
    }
    let answer = send(&app, get("/a/set")).await;
    assert!(answer.sent("LOGIN").is_some());
    assert_eq!(inside.calls(), []);
    assert_eq!(
        outside.calls(),
        [Call::Load, Call::Load, Call::Load, Call::Create]
    );
    let lines = log.lines("the outer one keeps it");
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert!(lines[0].starts_with("WARN") && lines[0].contains("Login"));
}

#[actix_web::test]
async fn one_name_for_two_types_in_nested_installations_is_a_500_that_names_both() {
    let storage = Spy::new();
    let app = test::init_service(
        App::new().wrap(logins(&storage)).service(
            web::scope("/a")
                .wrap(other_logins(&storage))
                .route(
                    "/outer",
                    web::get().to(|_: CurrentSession<Login>| async { "outer" }),
                )
                .route(
                    "/inner",
                    web::get().to(|_: CurrentSession<OtherLogin>| async { "inner" }),
                )
                .route("/untouched", web::get().to(|| async { "untouched" })),
        ),
    )
    .await;
    for path in ["/a/outer", "/a/inner"] {
        let log = Log::begin();
        let answer = send(&app, get_with(path, "LOGIN=junk")).await;
        assert!(
            answer.is_bare(StatusCode::INTERNAL_SERVER_ERROR),
            "{path}: {answer:?}"
        );
        let lines = log.lines("both called `LOGIN`");
        assert_eq!(lines.len(), 1);
        assert!(
            lines[0].contains("support::Login`") && lines[0].contains("nesting::OtherLogin`"),
            "{lines:?}"
        );
    }
    let answer = send(&app, get("/a/untouched")).await;
    assert_eq!(answer.text(), "untouched");
}

#[actix_web::test]
async fn siblings_may_share_a_name_and_a_type() {
    let storage = Spy::new();
    let (one, other, third) = (logins(&storage), other_logins(&storage), logins(&Spy::new()));
    let token = begin(&one, login("ada")).await;
    let other_token = begin(&other, OtherLogin { admin: true }).await;
    let show = |session: CurrentSession<Login>| async move { user(&session) };
    let app = test::init_service(
        App::new()
            .service(web::scope("/one").wrap(one).route("/read", web::get().to(show)))
            .service(
                web::scope("/other").wrap(other).route(
                    "/read",
                    web::get()
                        .to(|session: RequiredSession<OtherLogin>| async move { session.admin.to_string() }),
                ),
            )
            .service(
                web::scope("/third")
                    .wrap(third)
                    .route("/read", web::get().to(show)),
            ),
    )
    .await;
    assert_eq!(send(&app, get_with("/one/read", &token)).await.text(), "ada");
    let answer = send(&app, get_with("/other/read", &other_token)).await;
    assert_eq!(answer.text(), "true");
    // Of another storage, and so unknown there.
    assert_eq!(send(&app, get_with("/third/read", &token)).await.text(), "-");
}

#[actix_web::test]
async fn a_failure_inside_drops_what_was_set_outside() {
    let (outside, inside) = (Spy::new(), Spy::new());
    let app = test::init_service(
        App::new().wrap(logins(&outside)).wrap(preferences()).service(
            web::scope("/a")
                .wrap(baskets(&inside))
                .route("/set", web::get().to(set_all)),
        ),
    )
    .await;
    inside.on(Call::Create, Behaviour::Fail);
    let answer = send(&app, get("/a/set")).await;
    assert!(answer.is_bare(StatusCode::SERVICE_UNAVAILABLE), "{answer:?}");
    assert_eq!(outside.calls(), []);
}

#[actix_web::test]
async fn a_failure_outside_keeps_the_tokens_of_what_was_written_inside() {
    let (outside, inside) = (Spy::new(), Spy::new());
    let app = test::init_service(
        App::new().wrap(logins(&outside)).service(
            web::scope("/a").wrap(baskets(&inside)).service(
                web::resource("/set")
                    .wrap(preferences())
                    .route(web::get().to(set_all)),
            ),
        ),
    )
    .await;
    outside.on(Call::Create, Behaviour::Fail);
    let answer = send(&app, get("/a/set")).await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(answer.body.is_empty());
    assert!(answer.sent("BASKET").is_some() && answer.sent("PREFERENCES").is_some());
    assert_eq!(answer.set_cookies().len(), 2);
    assert_eq!(answer.header(header::CACHE_CONTROL), Some("no-store"));
}

#[actix_web::test]
async fn middleware_between_two_installations_sees_the_outer_one() {
    async fn between(
        request: ServiceRequest,
        next: Next<impl actix_web::body::MessageBody>,
    ) -> Result<actix_web::dev::ServiceResponse<impl actix_web::body::MessageBody>, actix_web::Error> {
        let outer = request.session::<Login>().await?;
        let inner = request.session::<Basket>().await;
        assert!(inner.is_err(), "not there yet");
        let response = next.call(request).await?;
        // What the inner installation wrote is written; the outer one's turn is still to come.
        let inner = response.request().session::<Basket>().await?;
        assert!(inner.set(Basket { items: 2 }).is_err());
        outer.set(login("ada"))?;
        Ok(response)
    }
    let storage = Spy::new();
    let app = test::init_service(
        App::new().wrap(logins(&storage)).service(
            web::resource("/")
                .wrap(baskets(&storage))
                .wrap(from_fn(between))
                .route(web::get().to(|basket: CurrentSession<Basket>| async move {
                    basket
                        .set(Basket { items: 1 })
                        .map(|()| HttpResponse::Ok().finish())
                })),
        ),
    )
    .await;
    let answer = send(&app, get("/")).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert!(answer.sent("BASKET").is_some() && answer.sent("LOGIN").is_some());
}
