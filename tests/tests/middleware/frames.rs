//! What a request knows of its sessions is its own, whatever becomes of it: it is kept beside the request, under an
//! address that a later request may have.

use std::{
    cell::RefCell,
    collections::HashSet,
    future::{Ready, ready},
    rc::Rc,
    sync::Arc,
    time::Duration,
};

use actix_web::{
    App, Error, HttpRequest, HttpResponse,
    body::MessageBody,
    dev::{ServiceRequest, ServiceResponse},
    error::ErrorForbidden,
    http::StatusCode,
    middleware::{Next, from_fn},
    test, web,
};
use futures_util::{future::join_all, poll};
use sessions_actix::{CurrentSession, SessionErrorKind, SessionsExt as _};
use tokio::sync::Notify;

use crate::support::{
    Behaviour, Call, Login, Preferences, Spy, begin, get, get_with, login, send, sessions, theme, user,
};

fn address(request: &HttpRequest) -> usize {
    std::ptr::from_ref(request.head()).addr()
}

async fn show(session: CurrentSession<Login>) -> String {
    user(&session)
}

/// Requests that were answered, kept.
type Kept = Rc<RefCell<Vec<HttpRequest>>>;

fn keep(kept: &Kept) -> impl Fn(HttpRequest, CurrentSession<Login>) -> Ready<String> + Clone + 'static {
    let kept = Rc::clone(kept);
    move |request, session| {
        kept.borrow_mut().push(request);
        ready(user(&session))
    }
}

#[actix_web::test]
async fn a_later_request_at_the_same_address_has_sessions_of_its_own() {
    let sessions = sessions(&Spy::new());
    let (ada, eve) = (
        begin(&sessions, login("ada")).await,
        begin(&sessions, login("eve")).await,
    );
    let seen = Rc::new(RefCell::new(HashSet::new()));
    let addresses = Rc::clone(&seen);
    let note = move |request: HttpRequest, session: CurrentSession<Login>| {
        addresses.borrow_mut().insert(address(&request));
        ready(user(&session))
    };
    let app = App::new().wrap(sessions).route("/", web::get().to(note));
    let app = test::init_service(app).await;
    for _ in 0..20 {
        assert_eq!(send(&app, get_with("/", &ada)).await.text(), "ada");
        assert_eq!(send(&app, get("/")).await.text(), "-");
        assert_eq!(send(&app, get_with("/", &eve)).await.text(), "eve");
    }
    assert!(seen.borrow().len() < 10, "addresses do come back");
}

#[actix_web::test]
async fn a_request_without_sessions_around_it_finds_none_at_an_address_that_had_some() {
    let sessions = sessions(&Spy::new());
    let token = begin(&sessions, login("ada")).await;
    let bare = |request: HttpRequest| async move {
        match request.session::<Login>().await.map(|session| user(&session)) {
            Err(error) if matches!(error.kind(), SessionErrorKind::NotConfigured { .. }) => "none".to_owned(),
            other => format!("{other:?}"),
        }
    };
    let app = App::new()
        .service(web::resource("/with").wrap(sessions).route(web::get().to(show)))
        .route("/bare", web::get().to(bare));
    let app = test::init_service(app).await;
    for _ in 0..20 {
        assert_eq!(send(&app, get_with("/with", &token)).await.text(), "ada");
        assert_eq!(send(&app, get_with("/bare", &token)).await.text(), "none");
    }
}

#[actix_web::test]
async fn a_request_that_is_kept_after_its_response_is_committed_for_good() {
    let storage = Spy::new();
    let sessions = sessions(&storage);
    let token = begin(&sessions, login("ada")).await;
    let kept = Kept::default();
    let app = App::new().wrap(sessions).route("/", web::get().to(keep(&kept)));
    let app = test::init_service(app).await;
    for _ in 0..5 {
        assert_eq!(send(&app, get_with("/", &token)).await.text(), "ada");
    }
    // Others come and go meanwhile.
    for _ in 0..20 {
        send(&app, get("/elsewhere")).await;
    }
    storage.calls();
    for request in kept.take() {
        for error in [
            request.session::<Login>().await.unwrap_err(),
            // Never asked for before.
            match request.session::<Preferences>().await {
                Err(error) => error,
                Ok(session) => panic!("{session:?}"),
            },
        ] {
            assert!(
                matches!(error.kind(), SessionErrorKind::AlreadyCommitted),
                "{error}"
            );
        }
    }
    assert_eq!(storage.calls(), []);
}

/// Answers with an error that holds no request, once the handler has set its session.
async fn refuse(
    request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let refused = request.query_string() == "refuse";
    if refused {
        request.session::<Login>().await?.set(login("refused"))?;
        drop(request);
        return Err(ErrorForbidden("no"));
    }
    next.call(request).await
}

#[actix_web::test]
async fn a_request_that_is_gone_before_its_commit_leaves_its_address_to_others() {
    let storage = Spy::new();
    let sessions = sessions(&storage);
    let eve = begin(&sessions, login("eve")).await;
    let app = App::new()
        .wrap(from_fn(refuse))
        .wrap(sessions.clone())
        .route("/", web::get().to(show))
        .route(
            "/set",
            web::get().to(|session: CurrentSession<Login>| async move {
                session.set(login("set")).map(|()| HttpResponse::Ok().finish())
            }),
        );
    let app = test::init_service(app).await;
    let permits = storage.hold(Call::Create);
    // Ten requests wait for their commit, and are no more.
    let mut refused: Vec<_> = (0..10).map(|_| Box::pin(send(&app, get("/?refuse")))).collect();
    for one in &mut refused {
        assert!(poll!(one).is_pending());
    }
    // Others are at their addresses, finished and waiting.
    let mut setting: Vec<_> = (0..10).map(|_| Box::pin(send(&app, get("/set")))).collect();
    for one in &mut setting {
        assert!(poll!(one).is_pending());
    }
    for _ in 0..10 {
        assert_eq!(send(&app, get_with("/", &eve)).await.text(), "eve");
        assert_eq!(send(&app, get("/")).await.text(), "-");
    }
    permits.add_permits(20);
    let mut tokens = HashSet::new();
    for (answers, user) in [
        (join_all(refused).await, "refused"),
        (join_all(setting).await, "set"),
    ] {
        for answer in answers {
            let token = answer.sent("LOGIN").unwrap();
            assert_eq!(send(&app, get_with("/", &token)).await.text(), user);
            assert!(tokens.insert(token));
        }
    }
}

/// The two ends of a request that a test lets wait.
#[derive(Clone, Default)]
struct Gate {
    waiting: Rc<RefCell<Vec<usize>>>,
    proceed: Rc<Notify>,
}

#[actix_web::test]
async fn a_request_at_the_address_of_one_that_commits_keeps_its_sessions() {
    let (gone, gate) = (Rc::new(RefCell::new(HashSet::new())), Gate::default());
    let addresses = Rc::clone(&gone);
    let note = from_fn(move |request: ServiceRequest, next: Next<_>| {
        if request.query_string() == "refuse" {
            addresses.borrow_mut().insert(address(request.request()));
        }
        refuse(request, next)
    });
    let handler = gate.clone();
    let wait = move |request: HttpRequest| {
        let gate = handler.clone();
        async move {
            gate.waiting.borrow_mut().push(address(&request));
            gate.proceed.notified().await;
            // Asked for only now.
            request.session::<Login>().await.map(|session| user(&session))
        }
    };
    let storage = Spy::new();
    let sessions = sessions(&storage);
    let eve = begin(&sessions, login("eve")).await;
    let app = App::new()
        .wrap(note)
        .wrap(sessions)
        .route("/", web::get().to(wait));
    let app = test::init_service(app).await;
    let permits = storage.hold(Call::Create);
    let mut refused: Vec<_> = (0..10).map(|_| Box::pin(send(&app, get("/?refuse")))).collect();
    for one in &mut refused {
        assert!(poll!(one).is_pending());
    }
    let mut waiting: Vec<_> = (0..10)
        .map(|_| Box::pin(send(&app, get_with("/", &eve))))
        .collect();
    for one in &mut waiting {
        assert!(poll!(one).is_pending());
    }
    let shared = gate
        .waiting
        .borrow()
        .iter()
        .any(|one| gone.borrow().contains(one));
    assert!(shared, "addresses do come back");
    permits.add_permits(10);
    for answer in join_all(refused).await {
        assert!(answer.sent("LOGIN").is_some());
    }
    gate.proceed.notify_waiters();
    for answer in join_all(waiting).await {
        assert_eq!((answer.status, answer.text()), (StatusCode::OK, "eve"));
    }
}

#[actix_web::test]
async fn a_handle_of_a_request_that_was_dropped_can_only_read() {
    let kept = Rc::new(RefCell::new(None));
    let handles = Rc::clone(&kept);
    let hang = move |session: CurrentSession<Login>| {
        session.set(login("pending")).unwrap();
        handles.borrow_mut().replace(session);
        std::future::pending::<String>()
    };
    let storage = Spy::new();
    let sessions = sessions(&storage);
    let token = begin(&sessions, login("ada")).await;
    let app = App::new().wrap(sessions).route("/", web::get().to(hang));
    let app = test::init_service(app).await;
    let mut dropped = Box::pin(send(&app, get_with("/", &token)));
    assert!(poll!(&mut dropped).is_pending());
    let session = kept.borrow_mut().take().unwrap();
    session.set(login("still open")).unwrap();
    drop(dropped);
    let error = session.set(login("late")).unwrap_err();
    assert!(matches!(error.kind(), SessionErrorKind::AlreadyCommitted));
    assert!(session.update(|login| login.visits += 1).await.is_err());
    assert!(session.still_live().await.unwrap());
    assert_eq!(storage.calls(), [Call::Create, Call::Load, Call::Load]);
}

#[actix_web::test]
async fn nothing_of_a_session_stays_in_memory_after_its_response() {
    let values = Rc::new(RefCell::new(Vec::new()));
    let seen = Rc::clone(&values);
    let note = move |session: CurrentSession<Preferences>| {
        seen.borrow_mut().push(Arc::downgrade(&session.get().unwrap()));
        ready(HttpResponse::Ok().finish())
    };
    let sessions = sessions(&Spy::new());
    let token = begin(&sessions, theme("dark")).await;
    let app = App::new().wrap(sessions).route("/", web::get().to(note));
    let app = test::init_service(app).await;
    for _ in 0..3 {
        send(&app, get_with("/", &token)).await;
        assert!(values.borrow().last().unwrap().upgrade().is_none());
    }
}

#[actix_web::test]
async fn requests_that_are_dropped_anywhere_leave_nothing_behind() {
    let storage = Spy::new();
    let sessions = sessions(&storage);
    let token = begin(&sessions, login("ada")).await;
    let set = |session: CurrentSession<Login>| async move {
        tokio::task::yield_now().await;
        session.set(login("set")).map(|()| "set")
    };
    let app = App::new()
        .wrap(sessions)
        .route("/set", web::get().to(set))
        .route("/", web::get().to(show));
    let app = test::init_service(app).await;
    for polls in 0..4 {
        storage.on(Call::Replace, Behaviour::Hang);
        let mut dropped = Box::pin(send(&app, get_with("/set", &token)));
        for _ in 0..polls {
            assert!(poll!(&mut dropped).is_pending());
        }
        drop(dropped);
        storage.recover();
        assert_eq!(send(&app, get_with("/", &token)).await.text(), "ada");
        assert_eq!(send(&app, get("/")).await.text(), "-");
    }
}

#[actix_web::test]
async fn a_clone_of_the_request_that_is_held_around_an_installation_harms_nothing() {
    async fn hold(
        request: ServiceRequest,
        next: Next<impl MessageBody>,
    ) -> Result<ServiceResponse<impl MessageBody>, Error> {
        let held = request.request().clone();
        let answer = next.call(request).await;
        let error = held.session::<Login>().await.unwrap_err();
        assert!(matches!(error.kind(), SessionErrorKind::AlreadyCommitted));
        answer
    }
    let sessions = sessions(&Spy::new());
    let token = begin(&sessions, login("ada")).await;
    let app = App::new().service(
        web::resource("/")
            .wrap(sessions)
            .wrap(from_fn(hold))
            .route(web::get().to(show)),
    );
    let app = test::init_service(app).await;
    for _ in 0..3 {
        assert_eq!(send(&app, get_with("/", &token)).await.text(), "ada");
    }
}

#[actix_web::test]
async fn more_requests_at_once_than_are_kept_ready_all_find_their_own() {
    let storage = Spy::new();
    let sessions = sessions(&storage);
    let mut tokens = Vec::new();
    for index in 0..300 {
        tokens.push(begin(&sessions, login(&index.to_string())).await);
    }
    let slowly = |session: CurrentSession<Login>| async move {
        tokio::time::sleep(Duration::ZERO).await;
        user(&session)
    };
    let app = App::new().wrap(sessions).route("/", web::get().to(slowly));
    let app = test::init_service(app).await;
    for _ in 0..3 {
        let answers = join_all(tokens.iter().map(|token| send(&app, get_with("/", token)))).await;
        for (index, answer) in answers.iter().enumerate() {
            assert_eq!(answer.text(), index.to_string());
        }
    }
}
