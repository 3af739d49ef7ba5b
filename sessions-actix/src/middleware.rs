//! The middleware: makes sessions reachable, and writes them when the response head is ready.

use std::{
    future::{Ready, ready},
    iter,
    pin::Pin,
    rc::Rc,
    sync::Arc,
    task::{Context, Poll, ready},
};

use actix_service::{Service, Transform, forward_ready};
use actix_web::{
    Error, HttpResponse,
    body::{EitherBody, MessageBody},
    dev::{ServiceRequest, ServiceResponse},
};
use pin_project_lite::pin_project;
use sessions_core::engine::Outcome;

use crate::{
    SessionError, Sessions,
    frame::WorkerRegistry,
    opened::{Commit, Opened},
    ticket::{Inside, Ticket},
};

impl<S, B> Transform<S, ServiceRequest> for Sessions
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error>,
    B: MessageBody,
{
    type Response = ServiceResponse<EitherBody<B>>;
    type Error = Error;
    type Transform = SessionsMiddleware<S>;
    type InitError = ();
    type Future = Ready<Result<Self::Transform, ()>>;

    fn new_transform(&self, service: S) -> Self::Future {
        ready(Ok(SessionsMiddleware {
            service,
            registry: Rc::new(Arc::clone(&self.registry)),
        }))
    }
}

/// The service that [`Sessions`] makes of the one that it wraps.
#[derive(Debug)]
pub struct SessionsMiddleware<S> {
    service: S,
    registry: WorkerRegistry,
}

impl<S, B> Service<ServiceRequest> for SessionsMiddleware<S>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error>,
    B: MessageBody,
{
    type Response = ServiceResponse<EitherBody<B>>;
    type Error = Error;
    type Future = SessionsFuture<S::Future, B>;

    forward_ready!(service);

    fn call(&self, request: ServiceRequest) -> Self::Future {
        let ticket = Ticket::enter(&request, &self.registry);
        SessionsFuture {
            service: self.service.call(request),
            ticket,
            committing: None,
        }
    }
}

pin_project! {
    /// The future of a request around which there are sessions.
    pub struct SessionsFuture<F, B> {
        #[pin]
        service: F,
        // Over when the service has answered.
        ticket: Ticket,
        // What a storage makes wait. Boxed, as few requests have it, and each future has the room for it and is moved.
        committing: Option<Box<Committing<B>>>,
    }
}

impl<F, B> Future for SessionsFuture<F, B>
where
    F: Future<Output = Result<ServiceResponse<B>, Error>>,
    B: MessageBody,
{
    type Output = Result<ServiceResponse<EitherBody<B>>, Error>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let Some(mut committing) = this.committing.take() else {
            let answer = ready!(this.service.poll(context));
            let Some(inside) = this.ticket.used() else {
                return Poll::Ready(answer.map(ServiceResponse::map_into_left_body));
            };
            if settle(&inside) {
                return Poll::Ready(answered(&inside, answer));
            }
            let mut committing = Committing {
                commits: Commits::new(inside, outcome(&answer)),
                answer,
            };
            if committing.commits.poll(context).is_pending() {
                *this.committing = Some(Box::new(committing));
                return Poll::Pending;
            }
            return Poll::Ready(committing.finish());
        };
        if committing.commits.poll(context).is_pending() {
            *this.committing = Some(committing);
            return Poll::Pending;
        }
        Poll::Ready(committing.finish())
    }
}

/// The head is ready; something has to be written before it goes.
struct Committing<B> {
    answer: Result<ServiceResponse<B>, Error>,
    commits: Commits,
}

impl<B: MessageBody> Committing<B> {
    fn finish(self) -> Result<ServiceResponse<EitherBody<B>>, Error> {
        self.commits.done.answer(self.answer)
    }
}

fn outcome<B>(answer: &Result<ServiceResponse<B>, Error>) -> Outcome {
    let status = match answer {
        Ok(response) => response.status(),
        Err(error) => error.as_response_error().status_code(),
    };
    if status.is_server_error() {
        Outcome::ServerError
    } else {
        Outcome::Answered
    }
}

/// Decides for all sessions at once, if none has to be written.
fn settle(inside: &Inside) -> bool {
    let mut index = 0;
    let mut settled = true;
    while let Some(session) = inside.session(&mut index) {
        settled &= session.settle();
    }
    settled
}

/// Writes the sessions one after the other; after one that fails the others are those of a failed request.
struct Commits {
    done: Committed,
    outcome: Outcome,
    index: usize,
    current: Option<Commit>,
}

impl Commits {
    fn new(inside: Inside, outcome: Outcome) -> Self {
        Self {
            done: Committed {
                inside,
                failure: None,
            },
            outcome,
            index: 0,
            current: None,
        }
    }

    fn poll(&mut self, context: &mut Context<'_>) -> Poll<()> {
        loop {
            if let Some(commit) = &mut self.current {
                if let Err(error) = ready!(commit.as_mut().poll(context)) {
                    self.outcome = Outcome::ServerError;
                    self.done.failure.get_or_insert(SessionError::from(error));
                }
                self.current = None;
            }
            let Some(session) = self.done.inside.session(&mut self.index) else {
                return Poll::Ready(());
            };
            // Its own login comes after the sessions that it has ended.
            if let Some(at) = self.done.inside.frame.cut_off_at(session.session_type()) {
                session.begin_anew(at);
            }
            self.current = session.commit(self.outcome);
        }
    }
}

/// A request whose sessions are written, or not.
struct Committed {
    inside: Inside,
    failure: Option<SessionError>,
}

impl Committed {
    fn answer<B: MessageBody>(
        self,
        answer: Result<ServiceResponse<B>, Error>,
    ) -> Result<ServiceResponse<EitherBody<B>>, Error> {
        let Some(failure) = self.failure else {
            return answered(&self.inside, answer);
        };
        let mut answer = match answer {
            // With its error, so that a logger outside knows why.
            Ok(response) => Ok(response
                .into_response(HttpResponse::from_error(failure))
                .map_into_right_body()),
            Err(_) => Err(failure.into()),
        };
        // A new response lacks what the inner installations, whose sessions are written, have said in the old one.
        tell(&mut answer, |index| self.inside.session_or_inner(index));
        answer
    }
}

/// The service's own answer, with what its sessions say.
#[inline]
fn answered<B: MessageBody>(
    inside: &Inside,
    answer: Result<ServiceResponse<B>, Error>,
) -> Result<ServiceResponse<EitherBody<B>>, Error> {
    let mut answer = answer.map(ServiceResponse::map_into_left_body);
    tell(&mut answer, |index| inside.session(index));
    answer
}

/// Has the client told what was decided for these sessions.
fn tell<B>(
    answer: &mut Result<ServiceResponse<B>, Error>,
    mut next: impl FnMut(&mut usize) -> Option<Rc<dyn Opened>>,
) {
    let mut index = 0;
    let sessions = iter::from_fn(|| next(&mut index));
    match answer {
        Ok(response) => sessions.for_each(|session| session.apply(response.headers_mut())),
        Err(error) => {
            let sessions: Vec<_> = sessions.collect();
            error.add_response_mapper(move |mut response: HttpResponse| {
                for session in &sessions {
                    session.apply(response.headers_mut());
                }
                response
            });
        }
    }
}

impl<F, B> std::fmt::Debug for SessionsFuture<F, B> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SessionsFuture(..)")
    }
}
