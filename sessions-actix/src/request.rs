//! From a request to its session.

use std::{
    any::{TypeId, type_name},
    net::IpAddr,
    rc::Rc,
    sync::Arc,
};

use actix_web::{
    HttpMessage as _, HttpRequest,
    dev::{Extensions, RequestHead, ServiceRequest},
    guard::GuardContext,
};
use sessions_core::{RequestView, Session, SessionError as Kind, engine::CsrfTokens};

use crate::{
    SessionFuture,
    frame::{CutOff, Frame, Place},
    opened::{OpenedSession, SlotFuture},
    registry::{Challenge, Registered, Registration},
    ticket::{self, Found},
};

/// Sessions of requests, where there is no extractor: in middleware, and in handlers that take the request.
pub trait SessionsExt {
    /// The session of this type, loaded at most once for each request.
    ///
    /// # Errors
    /// `NotConfigured`, `Unavailable`, or `AlreadyCommitted` after the response head is ready.
    fn session<T: Session>(&self) -> SessionFuture<T>;
}

impl SessionsExt for HttpRequest {
    fn session<T: Session>(&self) -> SessionFuture<T> {
        SessionFuture::new(open(self))
    }
}

impl SessionsExt for ServiceRequest {
    fn session<T: Session>(&self) -> SessionFuture<T> {
        self.request().session()
    }
}

/// Sessions of guards, which cannot wait.
pub trait SessionPeek {
    /// The session's value, if it can be had without asking a storage: the client keeps it and it is not `revocable`, or it
    /// is open already.
    ///
    /// `None` where there is no session, and where it would have to be loaded first. A guard sees the sessions of the
    /// installations around the one that it guards.
    fn peek<T: Session>(&self) -> Option<Arc<T>>;
}

impl SessionPeek for GuardContext<'_> {
    fn peek<T: Session>(&self) -> Option<Arc<T>> {
        match opened::<T>(self.head(), &self.req_data(), Patience::None)
            .ok()??
            .slot()
        {
            SlotFuture::Ready(slot) => slot?.ok()?.get(),
            SlotFuture::Loading(..) => None,
        }
    }
}

/// The session of this type, from now on the request's.
pub(crate) fn open<T: Session>(request: &HttpRequest) -> Result<SlotFuture<T>, Kind> {
    match opened(request.head(), &request.extensions(), Patience::Load)? {
        Some(opened) => Ok(opened.slot()),
        None => Err(Kind::AlreadyCommitted),
    }
}

/// What answers a request that requires a session of this type and has none, where the builder says.
pub(crate) fn challenge<T: Session>(request: &HttpRequest) -> Option<Challenge> {
    let Found::Frame(frame) = ticket::find(request.head(), &request.extensions()) else {
        return None;
    };
    registration::<T, _>(&frame, |registration| registration.challenge.clone())
}

/// What makes and checks this type's tokens against cross-site request forgery.
pub(crate) fn csrf_tokens<T: Session>(request: &HttpRequest) -> Result<Arc<CsrfTokens>, Kind> {
    let frame = frame::<T>(request.head(), &request.extensions())?;
    // Whatever is wrong with the registration itself is told as for the session.
    place::<T>(&frame)?;
    registration::<T, _>(&frame, |registration| registration.csrf.clone()).ok_or_else(|| {
        not_configured::<T>(format!(
            "add `.csrf::<{}>(&keys)` to the `Sessions::builder()` that has it",
            short_name::<T>()
        ))
    })
}

fn registration<T: Session, R>(frame: &Frame, wanted: impl FnOnce(&Registration) -> Option<R>) -> Option<R> {
    match frame.place(TypeId::of::<T>()) {
        Place::Level(_, registry) => wanted(registry.find(TypeId::of::<T>())?),
        Place::Done | Place::Nowhere | Place::Clash { .. } => None,
    }
}

/// The registration of this type around the request, and where the request notes that it has ended sessions of it.
pub(crate) fn registered<T: Session>(request: &HttpRequest) -> Result<(Arc<Registered<T>>, CutOff), Kind> {
    let frame = frame::<T>(request.head(), &request.extensions())?;
    let (_, registered) = place(&frame)?;
    Ok((registered, frame.cut_off(TypeId::of::<T>())))
}

/// Whether a storage may be asked.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Patience {
    Load,
    None,
}

fn opened<T: Session>(
    head: &RequestHead,
    extensions: &Extensions,
    patience: Patience,
) -> Result<Option<Rc<OpenedSession<T>>>, Kind> {
    let frame = frame::<T>(head, extensions)?;
    if let Some(opened) = frame.session(TypeId::of::<T>()) {
        return Ok(opened.as_any().downcast().ok());
    }
    let (level, registered) = place::<T>(&frame)?;
    if patience == Patience::None && !registered.engine.opens_at_once() {
        return Ok(None);
    }
    let opening = registered
        .engine
        .open(registered.wire.tokens(&head.headers), &View(head));
    let opened = OpenedSession::new(registered, opening);
    frame.add(level, Rc::clone(&opened) as _);
    Ok(Some(opened))
}

fn frame<T>(head: &RequestHead, extensions: &Extensions) -> Result<Rc<Frame>, Kind> {
    match ticket::find(head, extensions) {
        Found::Frame(frame) => Ok(frame),
        Found::Done => Err(Kind::AlreadyCommitted),
        Found::Nothing => Err(no_middleware::<T>()),
    }
}

fn place<T: Session>(frame: &Frame) -> Result<(usize, Arc<Registered<T>>), Kind> {
    let not_configured = |help| Err(not_configured::<T>(help));
    match frame.place(TypeId::of::<T>()) {
        Place::Done => Err(Kind::AlreadyCommitted),
        Place::Nowhere => not_configured(format!(
            "add `.server_side::<{0}>(storage)` or `.client_side::<{0}>(protection)` to the `Sessions::builder()` around this \
             route",
            short_name::<T>()
        )),
        Place::Clash { name, other } => not_configured(format!(
            "`{}` and `{other}` are both called `{name}`, in two `Sessions` around one route: rename one of them",
            type_name::<T>()
        )),
        Place::Level(level, registry) => {
            match registry
                .find(TypeId::of::<T>())
                .and_then(|registration| registration.typed())
            {
                Some(registered) => Ok((level, registered)),
                None => not_configured("its registration is of another type".to_owned()),
            }
        }
    }
}

fn no_middleware<T>() -> Kind {
    not_configured::<T>(
        "no `Sessions` middleware is around this: `App::new().wrap(sessions.clone())`; if it is there, wrap it last, after the middleware that asks for the session".to_owned(),
    )
}

/// The one line in the log; the client gets a 500 without a body.
fn not_configured<T>(help: String) -> Kind {
    let error = Kind::NotConfigured {
        type_name: type_name::<T>(),
        help,
    };
    tracing::error!("{error}");
    error
}

fn short_name<T>() -> &'static str {
    let name = type_name::<T>();
    name.rsplit("::").next().unwrap_or(name)
}

/// What the hooks of the core may see.
struct View<'a>(&'a RequestHead);

impl RequestView for View<'_> {
    fn header(&self, name: &str) -> Option<&[u8]> {
        self.0.headers.get(name).map(|value| value.as_bytes())
    }

    fn peer_addr(&self) -> Option<IpAddr> {
        self.0.peer_addr.map(|address| address.ip())
    }
}
