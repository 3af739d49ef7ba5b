//! A session that a request has asked for, whatever its type.

use std::{
    any::{Any, TypeId},
    cell::{Cell, RefCell},
    pin::Pin,
    rc::Rc,
    sync::Arc,
    time::SystemTime,
};

use actix_web::http::header::HeaderMap;
use futures_util::{
    FutureExt as _,
    future::{LocalBoxFuture, Shared},
};
use sessions_core::{
    Session, SessionError as Kind, Timestamp,
    engine::{Opening, Outcome, Slot, TokenAction},
};

use crate::registry::Registered;

/// A session that a request has asked for, whatever its type.
pub(crate) trait Opened {
    fn session_type(&self) -> TypeId;

    /// Decides at once what can be; false if something has to be written.
    fn settle(&self) -> bool;

    /// See [`CutOff`](crate::frame::CutOff).
    fn begin_anew(&self, at: Timestamp);

    /// Writes what has to be; nothing if it is settled.
    fn commit(self: Rc<Self>, outcome: Outcome) -> Option<Commit>;

    /// Tells the client what was decided.
    fn apply(&self, headers: &mut HeaderMap);

    /// Nothing can be changed from now on.
    fn close(&self);

    fn as_any(self: Rc<Self>) -> Rc<dyn Any>;
}

/// A session that is being written.
pub(crate) type Commit = LocalBoxFuture<'static, Result<(), Kind>>;

/// A session of this type that a request has asked for.
pub(crate) struct OpenedSession<T: Session> {
    registered: Arc<Registered<T>>,
    state: RefCell<State<T>>,
    /// What was decided.
    action: RefCell<TokenAction>,
    /// Whether it was decided without a write: its slot, if there is one yet, can be changed no more.
    settled: Cell<bool>,
    /// Whether the request is over, so that a slot that arrives later is closed.
    closed: Cell<bool>,
}

enum State<T: Session> {
    Open(Slot<T>),
    Failed(Kind),
    Loading(Load<T>),
}

type Load<T> = Shared<LocalBoxFuture<'static, Result<Slot<T>, Kind>>>;

/// A session, now or later.
pub(crate) enum SlotFuture<T: Session> {
    /// Until it is taken.
    Ready(Option<Result<Slot<T>, Kind>>),
    Loading(Rc<OpenedSession<T>>, Load<T>),
}

impl<T: Session> OpenedSession<T> {
    /// Takes what opening came to, as far as it comes without waiting.
    pub(crate) fn new(registered: Arc<Registered<T>>, opening: Opening<T>) -> Rc<Self> {
        let state = match opening {
            Opening::Ready(slot) => State::Open(slot),
            Opening::Failed(error) => State::Failed(error),
            Opening::Loading(loading) => {
                let mut load: LocalBoxFuture<'static, _> = Box::pin(loading.finish());
                match (&mut load).now_or_never() {
                    Some(Ok(slot)) => State::Open(slot),
                    Some(Err(error)) => State::Failed(error),
                    None => State::Loading(load.shared()),
                }
            }
        };
        Rc::new(Self {
            registered,
            state: RefCell::new(state),
            action: RefCell::new(TokenAction::Keep),
            settled: Cell::new(false),
            closed: Cell::new(false),
        })
    }

    pub(crate) fn slot(self: Rc<Self>) -> SlotFuture<T> {
        let load = match &*self.state.borrow() {
            State::Open(slot) => return SlotFuture::Ready(Some(Ok(slot.clone()))),
            State::Failed(error) => return SlotFuture::Ready(Some(Err(error.clone()))),
            State::Loading(load) => load.clone(),
        };
        SlotFuture::Loading(self, load)
    }

    fn open_slot(&self) -> Option<Slot<T>> {
        match &*self.state.borrow() {
            State::Open(slot) => Some(slot.clone()),
            State::Failed(_) | State::Loading(_) => None,
        }
    }
}

impl<T: Session> Future for SlotFuture<T> {
    type Output = Result<Slot<T>, Kind>;

    fn poll(mut self: Pin<&mut Self>, context: &mut std::task::Context<'_>) -> std::task::Poll<Self::Output> {
        match &mut *self {
            // Pending for ever when polled after its answer, as a fused future is.
            Self::Ready(answer) => answer
                .take()
                .map_or(std::task::Poll::Pending, std::task::Poll::Ready),
            Self::Loading(session, load) => load.poll_unpin(context).map(|answer| {
                *session.state.borrow_mut() = match &answer {
                    Ok(slot) => {
                        if session.closed.get() {
                            slot.close();
                        }
                        State::Open(slot.clone())
                    }
                    Err(error) => State::Failed(error.clone()),
                };
                answer
            }),
        }
    }
}

impl<T: Session> Opened for OpenedSession<T> {
    fn session_type(&self) -> TypeId {
        TypeId::of::<T>()
    }

    fn settle(&self) -> bool {
        let decided = match &*self.state.borrow() {
            State::Open(slot) => slot.commit_if_settled(),
            // The extractor's error has answered the request, or nobody waited for it.
            State::Failed(_) | State::Loading(_) => {
                self.closed.set(true);
                Some(TokenAction::Keep)
            }
        };
        if let Some(action) = decided {
            *self.action.borrow_mut() = action;
            self.settled.set(true);
        }
        self.settled.get()
    }

    fn begin_anew(&self, at: Timestamp) {
        if let State::Open(slot) = &*self.state.borrow() {
            slot.begin_anew(at);
        }
    }

    fn commit(self: Rc<Self>, outcome: Outcome) -> Option<Commit> {
        let slot = self.open_slot().filter(|_| !self.settled.get())?;
        Some(Box::pin(async move {
            let action = slot.commit(outcome).await?;
            *self.action.borrow_mut() = action;
            Ok(())
        }))
    }

    fn apply(&self, headers: &mut HeaderMap) {
        let now = || SystemTime::from(self.registered.engine.now());
        self.registered.wire.apply(&self.action.borrow(), now, headers);
    }

    fn close(&self) {
        self.closed.set(true);
        if !self.settled.get()
            && let State::Open(slot) = &*self.state.borrow()
        {
            slot.close();
        }
    }

    fn as_any(self: Rc<Self>) -> Rc<dyn Any> {
        self
    }
}
