//! Bodies that go on after the head was sent.

use actix_web::{
    App, Error, HttpResponse,
    body::{self, MessageBody as _},
    dev::Service as _,
    http::header::{COOKIE, SET_COOKIE},
    test,
    test::TestRequest,
    web::{self, Bytes},
};
use futures_util::stream;
use sessions_actix::{CurrentSession, SessionErrorKind};

use crate::support::{
    Basket, Call, Login, Preferences, Spy, begin, builder, get_with, login, send, theme, user,
};

/// Tries everything while the body is sent.
async fn tell(
    login_session: CurrentSession<Login>,
    preferences: CurrentSession<Preferences>,
    basket: CurrentSession<Basket>,
) -> actix_web::Result<HttpResponse> {
    login_session.set(login("eve"))?;
    let report = async move {
        let mut report = vec![user(&login_session)];
        let refused = [
            login_session.set(login("late")),
            login_session.clear(),
            login_session.start(login("late")),
            login_session.update(|login| login.visits += 1).await.map(drop),
            preferences.set(theme("late")),
            preferences
                .update(|preferences| preferences.theme.clear())
                .await
                .map(drop),
            basket.set(Basket { items: 9 }),
            basket.update_or_insert_with(|| Basket { items: 9 }, |_| ()).await,
        ];
        for refused in refused {
            let error = refused.unwrap_err();
            report.push(matches!(error.kind(), SessionErrorKind::AlreadyCommitted).to_string());
        }
        report.push(login_session.still_live().await?.to_string());
        Ok::<_, Error>(Bytes::from(report.join(" ")))
    };
    Ok(HttpResponse::Ok().streaming(stream::once(report)))
}

#[actix_web::test]
async fn a_body_that_outlives_the_handler_reads_its_session_and_changes_nothing() {
    let storage = Spy::new();
    let sessions = builder(&storage)
        .server_side::<Basket>(storage.clone())
        .build()
        .unwrap();
    let token = begin(&sessions, login("ada")).await;
    let read = |session: CurrentSession<Login>| async move { user(&session) };
    let app = App::new()
        .wrap(sessions)
        .route("/tell", web::get().to(tell))
        .route("/read", web::get().to(read))
        .route(
            "/logout",
            web::get().to(|session: CurrentSession<Login>| async move { session.clear().map(|()| "bye") }),
        );
    let app = test::init_service(app).await;
    for (logged_out, live) in [(false, "true"), (true, "false")] {
        storage.calls();
        let request = TestRequest::get()
            .uri("/tell")
            .insert_header((COOKIE, token.as_str()));
        let response = app.call(request.to_request()).await.unwrap();
        assert!(!response.headers().contains_key(SET_COOKIE));
        assert_eq!(storage.calls()[0], Call::Load);
        if logged_out {
            send(&app, get_with("/logout", &token)).await;
        } else {
            assert_eq!(send(&app, get_with("/read", &token)).await.text(), "eve");
        }
        storage.calls();
        let body = body::to_bytes(response.into_body().boxed()).await.unwrap();
        assert_eq!(body, format!("eve {}{live}", "true ".repeat(8)));
        assert_eq!(storage.calls(), [Call::Load]);
    }
}
