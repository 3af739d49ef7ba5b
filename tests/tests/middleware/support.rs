//! What the tests share: a storage that can be watched and disturbed, session types, requests and answers.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

use actix_http::Request;
use actix_web::{
    App, Error, HttpResponse,
    body::{self, MessageBody},
    dev::{Service, ServiceResponse},
    http::{
        StatusCode,
        header::{COOKIE, HeaderMap, HeaderName, HeaderValue, SET_COOKIE},
    },
    test::{self, TestRequest},
    web::{self, Bytes},
};
use serde::{Deserialize, Serialize};
use sessions_actix::{
    CurrentSession, ManualClock, Record, Session, Sessions, SessionsBuilder, StorageKey, Timestamp,
    protection::{Encrypted, Key, KeyRing},
    storage::{
        Created, Expected, MemoryStorage, Read, Replaced, SessionStorage, StorageError, StorageFuture, Touch,
        Touched,
    },
};
pub(crate) use tests::leaks::Log;
use tests::{
    judge::{Exception, Judge},
    leaks,
};
use tokio::sync::Semaphore;

/// By id.
#[derive(Session, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[session(name = "LOGIN")]
pub(crate) struct Login {
    pub(crate) user: String,
    pub(crate) visits: u32,
}

/// By id too.
#[derive(Session, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[session(name = "BASKET")]
pub(crate) struct Basket {
    pub(crate) items: u32,
}

/// By value.
#[derive(Session, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[session(name = "PREFERENCES")]
pub(crate) struct Preferences {
    pub(crate) theme: String,
}

pub(crate) fn login(user: &str) -> Login {
    Login {
        user: user.to_owned(),
        visits: 0,
    }
}

pub(crate) fn theme(theme: &str) -> Preferences {
    Preferences {
        theme: theme.to_owned(),
    }
}

/// The user, or a dash.
pub(crate) fn user(session: &CurrentSession<Login>) -> String {
    session
        .get()
        .map_or_else(|| "-".to_owned(), |login| login.user.clone())
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Call {
    Create,
    Load,
    Replace,
    Touch,
    Delete,
}

const CALLS: [Call; 5] = [Call::Create, Call::Load, Call::Replace, Call::Touch, Call::Delete];

#[derive(Clone)]
pub(crate) enum Behaviour {
    Fail,
    Hang,
    Panic,
    /// Each call takes one of the permits.
    Wait(Arc<Semaphore>),
}

/// A memory storage that tells what it was asked, and fails, hangs or panics when told to.
#[derive(Default)]
pub(crate) struct Spy {
    sessions: MemoryStorage,
    calls: Mutex<Vec<Call>>,
    behaviours: Mutex<HashMap<Call, Behaviour>>,
}

impl Spy {
    pub(crate) fn new() -> Arc<Self> {
        Arc::default()
    }

    /// What it was asked since this was called last.
    pub(crate) fn calls(&self) -> Vec<Call> {
        std::mem::take(&mut self.calls.lock().unwrap())
    }

    pub(crate) fn on(&self, call: Call, behaviour: Behaviour) {
        self.behaviours.lock().unwrap().insert(call, behaviour);
    }

    pub(crate) fn on_all(&self, behaviour: &Behaviour) {
        for call in CALLS {
            self.on(call, behaviour.clone());
        }
    }

    /// Makes one call wait until a permit is added.
    pub(crate) fn hold(&self, call: Call) -> Arc<Semaphore> {
        let permits = Arc::new(Semaphore::new(0));
        self.on(call, Behaviour::Wait(Arc::clone(&permits)));
        permits
    }

    /// Works as it should from now on.
    pub(crate) fn recover(&self) {
        self.behaviours.lock().unwrap().clear();
    }

    fn answer<'a, R: Send + 'a>(
        &'a self,
        call: Call,
        answer: impl FnOnce(&'a MemoryStorage) -> StorageFuture<'a, R> + Send + 'a,
    ) -> StorageFuture<'a, R> {
        self.calls.lock().unwrap().push(call);
        let behaviour = self.behaviours.lock().unwrap().get(&call).cloned();
        match behaviour {
            None => answer(&self.sessions),
            Some(Behaviour::Fail) => StorageFuture::ready(Err(StorageError::unavailable("it is down"))),
            Some(Behaviour::Panic) => StorageFuture::boxed(async { panic!("as the test wants it") }),
            Some(Behaviour::Hang) => StorageFuture::boxed(std::future::pending()),
            Some(Behaviour::Wait(permits)) => StorageFuture::boxed(async move {
                permits
                    .acquire()
                    .await
                    .map_err(StorageError::unavailable)?
                    .forget();
                answer(&self.sessions).await
            }),
        }
    }
}

impl SessionStorage for Spy {
    fn create(&self, key: StorageKey, record: Arc<Record>, now: Timestamp) -> StorageFuture<'_, Created> {
        self.answer(Call::Create, move |sessions| sessions.create(key, record, now))
    }

    fn load(&self, key: StorageKey, read: Read, now: Timestamp) -> StorageFuture<'_, Option<Arc<Record>>> {
        self.answer(Call::Load, move |sessions| sessions.load(key, read, now))
    }

    fn replace(
        &self,
        key: StorageKey,
        record: Arc<Record>,
        expected: Expected,
        now: Timestamp,
    ) -> StorageFuture<'_, Replaced> {
        self.answer(Call::Replace, move |sessions| {
            sessions.replace(key, record, expected, now)
        })
    }

    fn touch(&self, key: StorageKey, touch: Touch, now: Timestamp) -> StorageFuture<'_, Touched> {
        self.answer(Call::Touch, move |sessions| sessions.touch(key, touch, now))
    }

    fn delete(&self, key: StorageKey, now: Timestamp) -> StorageFuture<'_, bool> {
        self.answer(Call::Delete, move |sessions| sessions.delete(key, now))
    }

    fn purge_expired(&self, limit: usize, now: Timestamp) -> StorageFuture<'_, usize> {
        self.sessions.purge_expired(limit, now)
    }

    fn health(&self) -> StorageFuture<'_, ()> {
        self.sessions.health()
    }
}

pub(crate) fn keys() -> KeyRing {
    leaks::watch();
    let key = Key::generate().unwrap();
    leaks::remember_key(&key.expose_base64());
    KeyRing::new(key)
}

/// `Login` in this storage, and `Preferences` with the client; time stands still.
pub(crate) fn builder(storage: &Arc<Spy>) -> SessionsBuilder {
    leaks::watch();
    Sessions::builder()
        .clock(ManualClock::default())
        .server_side::<Login>(Arc::clone(storage))
        .client_side::<Preferences>(Encrypted::new(&keys()))
}

pub(crate) fn sessions(storage: &Arc<Spy>) -> Sessions {
    builder(storage).build().unwrap()
}

/// Another installation, of `Basket` alone.
pub(crate) fn baskets(storage: &Arc<Spy>) -> Sessions {
    Sessions::builder()
        .clock(ManualClock::default())
        .server_side::<Basket>(Arc::clone(storage))
        .build()
        .unwrap()
}

/// Begins a session and returns its cookie, name and value.
pub(crate) async fn begin<T: Session + Clone>(sessions: &Sessions, value: T) -> String {
    let start = move |session: CurrentSession<T>| {
        let started = session.start(value.clone());
        async move { started.map(|()| HttpResponse::Ok().finish()) }
    };
    let app = test::init_service(App::new().wrap(sessions.clone()).default_service(web::to(start))).await;
    let answer = send(&app, get("/")).await;
    let line = answer.set_cookies().pop().unwrap();
    line.split(';').next().unwrap().to_owned()
}

pub(crate) fn get(path: &str) -> TestRequest {
    TestRequest::get().uri(path)
}

pub(crate) fn get_with(path: &str, cookie: &str) -> TestRequest {
    get(path).insert_header((COOKIE, cookie))
}

/// What the client gets.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Answer {
    pub(crate) async fn of<B: MessageBody + 'static>(answer: Result<ServiceResponse<B>, Error>) -> Self {
        Self::judged(answer, Judge::default()).await
    }

    async fn judged<B: MessageBody + 'static>(
        answer: Result<ServiceResponse<B>, Error>,
        mut judge: Judge,
    ) -> Self {
        // As the server does it.
        let (response, error) = match answer {
            Ok(response) => (response.into_parts().1.map_into_boxed_body(), None),
            Err(error) => (error.error_response(), Some(error)),
        };
        let (head, body) = response.into_parts();
        let body = body::to_bytes(body).await.unwrap();
        let error = error.as_ref().or(head.error());
        judge.assert_response(head.status(), head.headers(), &body, error);
        Self {
            status: head.status(),
            headers: head.headers().clone(),
            body,
        }
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    pub(crate) fn header(&self, name: HeaderName) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    pub(crate) fn set_cookies(&self) -> Vec<String> {
        let lines = self.headers.get_all(SET_COOKIE).map(HeaderValue::to_str);
        lines.map(|line| line.unwrap().to_owned()).collect()
    }

    /// The one line of this cookie.
    pub(crate) fn set_cookie(&self, name: &str) -> Option<String> {
        let prefix = format!("{name}=");
        let mut lines = self.set_cookies();
        lines.retain(|line| line.starts_with(&prefix));
        assert!(lines.len() <= 1, "{lines:?}");
        lines.pop()
    }

    /// Name and value of a cookie that is kept.
    pub(crate) fn sent(&self, name: &str) -> Option<String> {
        let line = self.set_cookie(name)?;
        assert!(!line.contains("Max-Age=0"), "{line}");
        line.split(';').next().map(str::to_owned)
    }

    pub(crate) fn removes(&self, name: &str) -> bool {
        self.set_cookie(name)
            .is_some_and(|line| line.contains("Max-Age=0"))
    }

    /// A failure that tells the client nothing.
    pub(crate) fn is_bare(&self, status: StatusCode) -> bool {
        self.status == status && self.body.is_empty() && self.set_cookies().is_empty()
    }
}

pub(crate) async fn send<S, B>(app: &S, request: TestRequest) -> Answer
where
    S: Service<Request, Response = ServiceResponse<B>, Error = Error>,
    B: MessageBody + 'static,
{
    Answer::of(app.call(request.to_request()).await).await
}

/// As [`send`], where the answer has this on purpose.
pub(crate) async fn send_except<S, B>(app: &S, request: TestRequest, exception: Exception) -> Answer
where
    S: Service<Request, Response = ServiceResponse<B>, Error = Error>,
    B: MessageBody + 'static,
{
    let mut judge = Judge::default();
    judge.except(exception);
    Answer::judged(app.call(request.to_request()).await, judge).await
}
