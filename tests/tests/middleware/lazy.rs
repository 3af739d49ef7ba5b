//! A session is opened when it is asked for, and once.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use actix_web::{App, HttpRequest, HttpResponse, http::header, rt, test, web};
use futures_util::{FutureExt as _, future::join_all, poll};
use sessions_actix::{
    CurrentSession, IdGenerator, ManualClock, RequestView, RequiredSession, Sessions, SessionsExt as _,
    protection::Encrypted,
};

use crate::support::{
    Basket, Call, Login, Preferences, Spy, begin, builder, get, get_with, keys, login, send, sessions, theme,
    user,
};

/// Counts how often a session is opened: whoever opens one asks for its ids first.
#[derive(Clone, Default)]
struct Openings(Arc<AtomicUsize>);

impl IdGenerator for Openings {
    fn handles(&self, _: &dyn RequestView) -> Box<dyn FnMut() -> Vec<u8> + Send> {
        let number = self.0.fetch_add(1, Ordering::SeqCst);
        Box::new(move || number.to_be_bytes().repeat(2))
    }
}

#[actix_web::test]
async fn a_handler_that_names_no_session_costs_no_storage_call_and_no_header() {
    let storage = Spy::new();
    let sessions = builder(&storage)
        .server_side::<Basket>(Arc::clone(&storage))
        .build()
        .unwrap();
    let tokens = [
        begin(&sessions, login("ada")).await,
        begin(&sessions, theme("dark")).await,
        begin(&sessions, Basket { items: 1 }).await,
    ];
    storage.calls();
    let app = test::init_service(
        App::new()
            .wrap(sessions)
            .route("/", web::get().to(|| async { "hello" })),
    )
    .await;
    let answer = send(&app, get_with("/", &tokens.join("; "))).await;
    assert_eq!(answer.text(), "hello");
    assert_eq!(storage.calls(), []);
    let names: Vec<_> = answer.headers.keys().map(|name| name.as_str()).collect();
    assert!(
        names
            .iter()
            .all(|name| ["content-type", "content-length"].contains(name)),
        "{names:?}"
    );
}

#[actix_web::test]
async fn a_dead_token_goes_unnoticed_where_nobody_asks() {
    let storage = Spy::new();
    let app = test::init_service(
        App::new()
            .wrap(sessions(&storage))
            .route("/", web::get().to(HttpResponse::Ok)),
    )
    .await;
    let answer = send(&app, get_with("/", "LOGIN=junk; PREFERENCES=junk")).await;
    assert_eq!(answer.set_cookies(), Vec::<String>::new());
    assert_eq!(answer.header(header::VARY), None);
}

#[actix_web::test]
async fn a_read_makes_one_load_and_no_write_inside_the_touch_interval() {
    let storage = Spy::new();
    let clock = ManualClock::default();
    let sessions = Sessions::builder()
        .clock(clock.clone())
        .server_side_with::<Login>(Arc::clone(&storage), |options| {
            options.touch_interval(Duration::from_secs(60))
        })
        .build()
        .unwrap();
    let token = begin(&sessions, login("ada")).await;
    let read = |session: CurrentSession<Login>| async move { user(&session) };
    let app = test::init_service(App::new().wrap(sessions).route("/", web::get().to(read))).await;
    storage.calls();
    for (seconds, calls) in [
        (0, vec![Call::Load]),
        (59, vec![Call::Load]),
        (1, vec![Call::Load, Call::Touch]),
        (59, vec![Call::Load]),
    ] {
        clock.advance(Duration::from_secs(seconds));
        let answer = send(&app, get_with("/", &token)).await;
        assert_eq!((answer.text(), answer.set_cookies().len()), ("ada", 0));
        assert_eq!(answer.header(header::VARY), Some("cookie"));
        assert_eq!(storage.calls(), calls);
    }
}

#[actix_web::test]
async fn extractors_of_one_request_share_one_load_that_they_all_wait_for() {
    async fn all(
        (one, two, request): (CurrentSession<Login>, RequiredSession<Login>, HttpRequest),
        three: Option<RequiredSession<Login>>,
    ) -> actix_web::Result<String> {
        let four = request.session::<Login>().await?;
        // What one of them writes, the others see.
        four.set(login("eve"))?;
        Ok([
            user(&one),
            user(two.current()),
            three.map_or_else(String::new, |three| user(three.current())),
        ]
        .join(" "))
    }
    let storage = Spy::new();
    let sessions = sessions(&storage);
    let token = begin(&sessions, login("ada")).await;
    let app = test::init_service(App::new().wrap(sessions).route("/", web::get().to(all))).await;
    storage.calls();
    let permits = storage.hold(Call::Load);
    let mut answer = Box::pin(send(&app, get_with("/", &token)));
    assert!(poll!(&mut answer).is_pending());
    assert_eq!(storage.calls(), [Call::Load]);
    permits.add_permits(9);
    assert_eq!(answer.await.text(), "eve eve eve");
    assert_eq!(storage.calls(), [Call::Replace]);
}

#[actix_web::test]
async fn a_load_goes_on_when_whoever_asked_first_is_dropped() {
    async fn ask(request: HttpRequest) -> actix_web::Result<String> {
        let mut first = request.session::<Login>();
        let mut second = request.session::<Login>();
        let mut third = request.session::<Login>();
        assert!(poll!(&mut first).is_pending());
        assert!(poll!(&mut second).is_pending());
        drop(first);
        let (second, third) = (second.await?, (&mut third).await?);
        Ok(format!("{} {}", user(&second), user(&third)))
    }
    let storage = Spy::new();
    let sessions = sessions(&storage);
    let token = begin(&sessions, login("ada")).await;
    let app = test::init_service(App::new().wrap(sessions).route("/", web::get().to(ask))).await;
    storage.calls();
    let permits = storage.hold(Call::Load);
    let mut answer = Box::pin(send(&app, get_with("/", &token)));
    assert!(poll!(&mut answer).is_pending());
    permits.add_permits(1);
    assert_eq!(answer.await.text(), "ada ada");
    assert_eq!(storage.calls(), [Call::Load]);
}

#[actix_web::test]
async fn a_load_that_nobody_finishes_changes_nothing() {
    let storage = Spy::new();
    let sessions = sessions(&storage);
    let token = begin(&sessions, login("ada")).await;
    let ask = |request: HttpRequest| async move {
        assert!(request.session::<Login>().now_or_never().is_none());
        "done"
    };
    let app = test::init_service(App::new().wrap(sessions).route("/", web::get().to(ask))).await;
    storage.calls();
    storage.hold(Call::Load);
    let answer = send(&app, get_with("/", &token)).await;
    assert_eq!((answer.text(), answer.set_cookies().len()), ("done", 0));
    assert_eq!(storage.calls(), [Call::Load]);
}

#[actix_web::test]
async fn a_session_that_arrives_after_the_response_cannot_be_changed() {
    let (tell, told) = tokio::sync::oneshot::channel();
    let tell = std::cell::Cell::new(Some(tell));
    let tell = std::rc::Rc::new(tell);
    let ask = move |request: HttpRequest| {
        let tell = tell.take().unwrap();
        async move {
            let session = request.session::<Login>();
            rt::spawn(async move {
                let session = session.await.unwrap();
                let changed = session.set(login("eve")).is_ok() || session.clear().is_ok();
                tell.send((user(&session), changed)).unwrap();
            });
            "done"
        }
    };
    let storage = Spy::new();
    let sessions = sessions(&storage);
    let token = begin(&sessions, login("ada")).await;
    let app = test::init_service(App::new().wrap(sessions).route("/", web::get().to(ask))).await;
    let permits = storage.hold(Call::Load);
    assert_eq!(send(&app, get_with("/", &token)).await.text(), "done");
    permits.add_permits(1);
    assert_eq!(told.await.unwrap(), ("ada".to_owned(), false));
}

#[actix_web::test]
async fn each_type_is_opened_by_itself() {
    let storage = Spy::new();
    let opened = Openings::default();
    let sessions = Sessions::builder()
        .clock(ManualClock::default())
        .id_generator(opened.clone())
        .server_side::<Login>(Arc::clone(&storage))
        .server_side::<Basket>(Arc::clone(&storage))
        .client_side::<Preferences>(Encrypted::new(&keys()))
        .build()
        .unwrap();
    let tokens = [
        begin(&sessions, login("ada")).await,
        begin(&sessions, Basket { items: 3 }).await,
        begin(&sessions, theme("dark")).await,
    ];
    let read = |basket: RequiredSession<Basket>| async move { basket.items.to_string() };
    let app = test::init_service(App::new().wrap(sessions).route("/", web::get().to(read))).await;
    storage.calls();
    assert_eq!(opened.0.swap(0, Ordering::SeqCst), 3);
    assert_eq!(send(&app, get_with("/", &tokens.join("; "))).await.text(), "3");
    assert_eq!(storage.calls(), [Call::Load]);
    assert_eq!(opened.0.load(Ordering::SeqCst), 1);
}

#[actix_web::test]
async fn requests_at_once_keep_their_sessions_apart() {
    let storage = Spy::new();
    let sessions = sessions(&storage);
    let mut tokens = Vec::new();
    for index in 0..50 {
        tokens.push(begin(&sessions, login(&index.to_string())).await);
    }
    let read = |session: CurrentSession<Login>| async move { user(&session) };
    let app = test::init_service(App::new().wrap(sessions).route("/", web::get().to(read))).await;
    let permits = storage.hold(Call::Load);
    let release = async {
        tokio::task::yield_now().await;
        permits.add_permits(50);
    };
    let asked = join_all(tokens.iter().map(|token| send(&app, get_with("/", token))));
    let (answers, ()) = futures_util::join!(asked, release);
    for (index, answer) in answers.iter().enumerate() {
        assert_eq!(answer.text(), index.to_string());
    }
    let without = send(&app, get("/")).await;
    assert_eq!(without.text(), "-");
}
