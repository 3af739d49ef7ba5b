//! Middleware that calls the services inside it again, gives them up, or leaves them behind.

use std::{
    future::{Ready, ready},
    rc::Rc,
};

use actix_web::{
    App, Error, HttpRequest, HttpResponse,
    body::MessageBody,
    dev::{Payload, Service, ServiceRequest, ServiceResponse, Transform, forward_ready},
    error::ErrorGatewayTimeout,
    http::StatusCode,
    middleware::{Next, from_fn},
    rt, test, web,
};
use futures_util::{FutureExt as _, future::LocalBoxFuture, poll};
use sessions_actix::{CurrentSession, SessionsExt as _};
use tokio::sync::Notify;

use crate::support::{
    Basket, Call, Log, Login, Preferences, Spy, baskets, begin, get, get_with, login, send, sessions, theme,
};

/// Calls the inner service twice with one request, and answers with the second response.
#[derive(Clone, Copy)]
pub(crate) enum Twice {
    OneAfterTheOther,
    AtOnce,
}

pub(crate) struct TwiceService<S> {
    how: Twice,
    service: Rc<S>,
}

impl<S, B> Transform<S, ServiceRequest> for Twice
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error> + 'static,
    B: 'static,
{
    type Response = ServiceResponse<B>;
    type Error = Error;
    type Transform = TwiceService<S>;
    type InitError = ();
    type Future = Ready<Result<TwiceService<S>, ()>>;

    fn new_transform(&self, service: S) -> Self::Future {
        ready(Ok(TwiceService {
            how: *self,
            service: Rc::new(service),
        }))
    }
}

impl<S, B> Service<ServiceRequest> for TwiceService<S>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error> + 'static,
    B: 'static,
{
    type Response = ServiceResponse<B>;
    type Error = Error;
    type Future = LocalBoxFuture<'static, Result<ServiceResponse<B>, Error>>;

    forward_ready!(service);

    fn call(&self, request: ServiceRequest) -> Self::Future {
        let (how, service) = (self.how, Rc::clone(&self.service));
        let again = ServiceRequest::from_parts(request.request().clone(), Payload::None);
        async move {
            match how {
                Twice::OneAfterTheOther => {
                    service.call(request).await?;
                    service.call(again).await
                }
                Twice::AtOnce => {
                    let (first, second) = futures_util::join!(service.call(request), service.call(again));
                    first?;
                    second
                }
            }
        }
        .boxed_local()
    }
}

async fn count(
    login_session: CurrentSession<Login>,
    basket: CurrentSession<Basket>,
) -> actix_web::Result<String> {
    let visits = login_session
        .update_or_insert_with(
            || login("ada"),
            |login| {
                login.visits += 1;
                login.visits
            },
        )
        .await?;
    let items = basket.get().map_or(0, |basket| basket.items) + 1;
    basket.set(Basket { items })?;
    Ok(format!("{visits} {items}"))
}

#[actix_web::test]
async fn a_service_that_is_called_again_has_its_sessions_again() {
    let storage = Spy::new();
    let outer = sessions(&storage);
    let inner = baskets(&storage);
    let tokens = [
        begin(&outer, login("ada")).await,
        begin(&inner, Basket { items: 0 }).await,
    ]
    .join("; ");
    let app = App::new().wrap(outer).service(
        web::resource("/")
            .wrap(inner)
            .wrap(Twice::OneAfterTheOther)
            .route(web::get().to(count)),
    );
    let app = test::init_service(app).await;
    // The outer one's session is the request's; the inner one's was written, and is read anew.
    let answer = send(&app, get_with("/", &tokens)).await;
    assert_eq!((answer.status, answer.text()), (StatusCode::OK, "2 2"));
    let answer = send(&app, get_with("/", &tokens)).await;
    assert_eq!(answer.text(), "4 4");
}

#[actix_web::test]
async fn sessions_that_are_all_called_again_are_opened_again() {
    let storage = Spy::new();
    let sessions = sessions(&storage);
    let token = begin(&sessions, login("ada")).await;
    let visit = |session: CurrentSession<Login>| async move {
        let visits = session.get().map_or(0, |login| login.visits) + 1;
        session.set(Login {
            user: "ada".to_owned(),
            visits,
        })?;
        Ok::<_, Error>(visits.to_string())
    };
    let app = App::new().service(
        web::resource("/")
            .wrap(sessions)
            .wrap(Twice::OneAfterTheOther)
            .route(web::get().to(visit)),
    );
    let app = test::init_service(app).await;
    assert_eq!(send(&app, get_with("/", &token)).await.text(), "2");
}

#[actix_web::test]
async fn a_service_that_is_called_twice_at_once_panics_nowhere_and_leaves_nothing() {
    let storage = Spy::new();
    let outer = sessions(&storage);
    let inner = baskets(&storage);
    let tokens = [
        begin(&outer, login("ada")).await,
        begin(&inner, Basket { items: 0 }).await,
    ]
    .join("; ");
    let app = App::new()
        .wrap(outer)
        .service(
            web::resource("/")
                .wrap(inner.clone())
                .wrap(Twice::AtOnce)
                .route(web::get().to(count)),
        )
        .service(web::resource("/once").wrap(inner).route(web::get().to(count)));
    let app = test::init_service(app).await;
    let _log = Log::begin();
    for slow in [false, true] {
        let permits = storage.hold(Call::Load);
        permits.add_permits(if slow { 0 } else { 99 });
        let mut answer = Box::pin(send(&app, get_with("/", &tokens)));
        let answered = poll!(&mut answer).is_ready();
        permits.add_permits(99);
        if !answered {
            answer.await;
        }
        storage.recover();
        let answer = send(&app, get_with("/once", &tokens)).await;
        assert_eq!(answer.status, StatusCode::OK);
    }
}

/// Gives the inner service no second chance.
async fn give_up(
    request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    match next.call(request).now_or_never() {
        Some(answer) => answer,
        None => Err(ErrorGatewayTimeout("late")),
    }
}

#[actix_web::test]
async fn an_inner_service_that_is_dropped_leaves_the_outer_sessions_as_they_were() {
    let storage = Spy::new();
    let outer = sessions(&storage);
    let inner = baskets(&storage);
    let token = begin(&outer, theme("dark")).await;
    let hang = |preferences: CurrentSession<Preferences>, basket: CurrentSession<Basket>| async move {
        preferences.clear()?;
        basket.set(Basket { items: 1 })?;
        std::future::pending::<()>().await;
        Ok::<_, Error>("never")
    };
    let app = App::new()
        .wrap(outer)
        .service(
            web::resource("/hang")
                .wrap(inner.clone())
                .wrap(from_fn(give_up))
                .route(web::get().to(hang)),
        )
        .service(web::resource("/count").wrap(inner).route(web::get().to(count)));
    let app = test::init_service(app).await;
    for _ in 0..5 {
        let answer = send(&app, get_with("/hang", &token)).await;
        assert_eq!(answer.status, StatusCode::GATEWAY_TIMEOUT);
        // Cleared before it was given up; what was set inside was never committed.
        assert!(answer.removes("PREFERENCES"));
        assert_eq!(answer.set_cookie("BASKET"), None);
        assert_eq!(storage.calls(), []);
        assert_eq!(send(&app, get("/count")).await.text(), "1 1");
        storage.calls();
    }
}

#[actix_web::test]
async fn an_inner_service_that_outlives_the_outer_one_harms_no_later_request() {
    let (detached, others) = (Rc::new(Notify::new()), Rc::new(Notify::new()));
    let done = Rc::new(Notify::new());
    let finished = Rc::clone(&done);
    // Answers at once, and lets the inner service run on.
    let detach = from_fn(move |request: ServiceRequest, next: Next<_>| {
        let finished = Rc::clone(&finished);
        async move {
            if request.query_string() != "detach" {
                return next.call(request).await;
            }
            rt::spawn(async move {
                let _ = next.call(request).await;
                finished.notify_one();
            });
            tokio::task::yield_now().await;
            Err(ErrorGatewayTimeout("detached"))
        }
    });
    let (one, other) = (Rc::clone(&detached), Rc::clone(&others));
    let wait = move |request: HttpRequest, basket: CurrentSession<Basket>| {
        let detached = request.query_string() == "detach";
        let gate = Rc::clone(if detached { &one } else { &other });
        async move {
            gate.notified().await;
            basket.set(Basket { items: 1 })?;
            let outer = request.session::<Login>().await;
            assert_eq!(outer.is_err(), detached);
            Ok::<_, Error>(HttpResponse::Ok().finish())
        }
    };
    let storage = Spy::new();
    let app = App::new().wrap(sessions(&storage)).service(
        web::resource("/")
            .wrap(baskets(&storage))
            .wrap(detach)
            .route(web::get().to(wait)),
    );
    let app = test::init_service(app).await;
    for _ in 0..3 {
        let answer = send(&app, get("/?detach")).await;
        assert_eq!(answer.status, StatusCode::GATEWAY_TIMEOUT);
        let mut later = Box::pin(send(&app, get("/")));
        assert!(poll!(&mut later).is_pending());
        detached.notify_one();
        done.notified().await;
        others.notify_one();
        let answer = later.await;
        assert_eq!(answer.status, StatusCode::OK);
        assert!(answer.sent("BASKET").is_some());
    }
}
