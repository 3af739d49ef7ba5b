//! What sessions cost in allocations, counted on the one thread that does everything.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on panics")]

use actix_http::Request;
use actix_web::{
    App, Error, HttpResponse,
    body::MessageBody,
    dev::{Service, ServiceResponse},
    http::header::{COOKIE, HeaderValue, SET_COOKIE},
    test::{self, TestRequest},
    web,
};
use futures_util::FutureExt as _;
use serde::{Deserialize, Serialize};
use sessions_actix::{
    CurrentSession, ManualClock, Session, SessionError, Sessions,
    protection::{Encrypted, Key, KeyRing},
    storage::MemoryStorage,
};

/// By id.
#[derive(Session, Serialize, Deserialize, Clone)]
#[session(name = "LOGIN")]
struct Login {
    user: String,
    visits: u32,
}

/// By value.
#[derive(Session, Serialize, Deserialize, Clone)]
#[session(name = "PREFERENCES")]
struct Preferences {
    dark: bool,
}

/// By id too.
#[derive(Session, Serialize, Deserialize, Clone)]
#[session(name = "BASKET")]
struct Basket {
    items: u32,
}

fn clock() -> ManualClock {
    ManualClock::default()
}

fn logins() -> Sessions {
    let builder = Sessions::builder()
        .clock(clock())
        .server_side::<Login>(MemoryStorage::new());
    builder.build().unwrap()
}

fn preferences() -> Sessions {
    let keys = KeyRing::new(Key::generate().unwrap());
    let builder = Sessions::builder()
        .clock(clock())
        .client_side::<Preferences>(Encrypted::new(&keys));
    builder.build().unwrap()
}

fn baskets() -> Sessions {
    let builder = Sessions::builder()
        .clock(clock())
        .server_side::<Basket>(MemoryStorage::new());
    builder.build().unwrap()
}

async fn start(login: CurrentSession<Login>) -> Result<HttpResponse, SessionError> {
    login.start(Login {
        user: "ada".to_owned(),
        visits: 0,
    })?;
    Ok(HttpResponse::Ok().finish())
}

async fn start_preferences(preferences: CurrentSession<Preferences>) -> Result<HttpResponse, SessionError> {
    preferences.start(Preferences { dark: true })?;
    Ok(HttpResponse::Ok().finish())
}

fn routes(config: &mut web::ServiceConfig) {
    config
        .route("/untouched", web::get().to(HttpResponse::Ok))
        .route("/start", web::get().to(start))
        .route("/start_preferences", web::get().to(start_preferences))
        .route(
            "/read",
            web::get().to(|login: CurrentSession<Login>| async move {
                assert_eq!(login.get().unwrap().user, "ada");
                HttpResponse::Ok().finish()
            }),
        )
        .route(
            "/set",
            web::get().to(|login: CurrentSession<Login>| async move {
                let value = login.get().unwrap();
                login.set(Login {
                    // Its own allocation is the user's.
                    user: uncounted(|| value.user.clone()),
                    visits: value.visits + 1,
                })?;
                Ok::<_, SessionError>(HttpResponse::Ok().finish())
            }),
        )
        .route(
            "/read_preferences",
            web::get().to(|preferences: CurrentSession<Preferences>| async move {
                assert!(preferences.get().is_some());
                HttpResponse::Ok().finish()
            }),
        )
        .route(
            "/set_preferences",
            web::get().to(|preferences: CurrentSession<Preferences>| async move {
                let dark = preferences.get().unwrap().dark;
                preferences.set(Preferences { dark: !dark })?;
                Ok::<_, SessionError>(HttpResponse::Ok().finish())
            }),
        );
}

fn uncounted<R>(f: impl FnOnce() -> R) -> R {
    let mut result = None;
    allocation_counter::opt_out(|| result = Some(f()));
    result.unwrap()
}

/// Allocations from the request to the response, without making the former and dropping the latter.
fn cost<S, B>(app: &S, path: &str, cookie: &str) -> u64
where
    S: Service<Request, Response = ServiceResponse<B>, Error = Error>,
    B: MessageBody,
{
    let request = || {
        let request = TestRequest::get().uri(path);
        request.insert_header((COOKIE, cookie)).to_request()
    };
    let ask = |request| {
        let response = app.call(request).now_or_never().unwrap().unwrap();
        assert!(response.status().is_success());
        response
    };
    // Pools and tables grow at first.
    for _ in 0..200 {
        ask(request());
    }
    let mut counts = Vec::new();
    for _ in 0..50 {
        let request = request();
        let mut response = None;
        let counted = allocation_counter::measure(|| response = Some(ask(request)));
        counts.push(counted.count_total);
    }
    // A table that happens to grow is no cost of this request.
    counts.sort_unstable();
    println!("{path}: {} to {} allocations", counts[0], counts[49]);
    counts[25]
}

async fn token<S, B>(app: &S, path: &str) -> String
where
    S: Service<Request, Response = ServiceResponse<B>, Error = Error>,
{
    let request = TestRequest::get().uri(path).to_request();
    let response = app.call(request).await.unwrap();
    let line = response.headers().get(SET_COOKIE).map(HeaderValue::to_str);
    line.unwrap().unwrap().split(';').next().unwrap().to_owned()
}

#[actix_web::test]
async fn an_untouched_request_costs_no_allocation_whatever_the_nesting() {
    let bare = test::init_service(App::new().configure(routes)).await;
    let one = test::init_service(App::new().wrap(logins()).configure(routes)).await;
    let three = App::new()
        .wrap(preferences())
        .wrap(baskets())
        .wrap(logins())
        .configure(routes);
    let three = test::init_service(three).await;
    let cookie = token(&one, "/start").await;
    let free = cost(&bare, "/untouched", &cookie);
    assert_eq!(cost(&one, "/untouched", &cookie), free);
    assert_eq!(cost(&three, "/untouched", &cookie), free);
}

#[actix_web::test]
async fn an_untouched_request_costs_no_allocation_in_nested_scopes() {
    let bare = App::new().service(
        web::scope("/a")
            .service(web::scope("/b").service(web::resource("/c").route(web::get().to(HttpResponse::Ok)))),
    );
    let bare = test::init_service(bare).await;
    let wrapped = App::new().wrap(logins()).service(
        web::scope("/a").wrap(baskets()).service(
            web::scope("/b").service(
                web::resource("/c")
                    .wrap(preferences())
                    .route(web::get().to(HttpResponse::Ok)),
            ),
        ),
    );
    let wrapped = test::init_service(wrapped).await;
    assert_eq!(
        cost(&wrapped, "/a/b/c", "LOGIN=junk"),
        cost(&bare, "/a/b/c", "LOGIN=junk")
    );
}

#[actix_web::test]
async fn sessions_in_memory_and_with_the_client_cost_a_few_allocations() {
    let app = App::new().wrap(preferences()).wrap(logins()).configure(routes);
    let app = test::init_service(app).await;
    let login = token(&app, "/start").await;
    let preferences = token(&app, "/start_preferences").await;
    let free = cost(&app, "/untouched", &login);
    let mut costs = Vec::new();
    // Each is what it costs today, one of them a place for the secret, of which a move would leave a copy. Debug builds read
    // back what `set` wrote and write it again, and a value that is new is decoded for the first time: that makes four of
    // the sixteen.
    for (path, cookie, most) in [
        ("/read", &login, 5),
        ("/set", &login, 16),
        ("/read_preferences", &preferences, 6),
        ("/set_preferences", &preferences, 16),
    ] {
        let extra = cost(&app, path, cookie) - free;
        println!("{path}: {extra} more than an untouched request");
        costs.push((path, extra, most));
    }
    for (path, extra, most) in costs {
        assert!(extra <= most, "{path}: {extra}, and {most} are allowed");
    }
}
