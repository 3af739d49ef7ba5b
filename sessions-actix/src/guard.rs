//! What all guards have in common: a middleware that lets a request through or answers it.

use std::{
    fmt,
    pin::Pin,
    rc::Rc,
    task::{Context, Poll, ready},
};

use actix_service::{Service, forward_ready};
use actix_web::{
    Error, HttpResponse,
    body::{EitherBody, MessageBody},
    dev::{ServiceRequest, ServiceResponse},
};
use futures_util::future::LocalBoxFuture;
use pin_project_lite::pin_project;

/// Whether requests get through.
pub(crate) trait Gate {
    fn ask(&self, request: &ServiceRequest) -> Verdict;
}

/// What a [`Gate`] says of a request.
pub(crate) enum Verdict {
    Passes,
    /// It is answered with this.
    Refused(HttpResponse),
    /// Something has to be waited for.
    Asking(LocalBoxFuture<'static, Verdict>),
}

/// The service that a guard makes of the one that it wraps.
#[derive(Debug)]
pub struct GuardMiddleware<S, G> {
    service: Rc<S>,
    gate: G,
}

impl<S, G> GuardMiddleware<S, G> {
    pub(crate) fn new(service: S, gate: G) -> Self {
        Self {
            service: Rc::new(service),
            gate,
        }
    }
}

impl<S, G, B> Service<ServiceRequest> for GuardMiddleware<S, G>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error>,
    G: Gate,
    B: MessageBody,
{
    type Response = ServiceResponse<EitherBody<B>>;
    type Error = Error;
    type Future = GuardFuture<S>;

    forward_ready!(service);

    fn call(&self, request: ServiceRequest) -> Self::Future {
        let verdict = self.gate.ask(&request);
        GuardFuture {
            stage: Stage::after(verdict, request, &self.service),
        }
    }
}

pin_project! {
    /// The future of a request that is let through or not.
    pub struct GuardFuture<S: Service<ServiceRequest>> {
        #[pin]
        stage: Stage<S>,
    }
}

pin_project! {
    #[project = Projected]
    enum Stage<S: Service<ServiceRequest>> {
        Asking {
            verdict: LocalBoxFuture<'static, Verdict>,
            next: Option<(ServiceRequest, Rc<S>)>,
        },
        Passed { #[pin] service: S::Future },
        Refused { answer: Option<(ServiceRequest, HttpResponse)> },
    }
}

impl<S: Service<ServiceRequest>> Stage<S> {
    fn after(verdict: Verdict, request: ServiceRequest, service: &Rc<S>) -> Self {
        match verdict {
            Verdict::Passes => Self::Passed {
                service: service.call(request),
            },
            Verdict::Refused(response) => Self::Refused {
                answer: Some((request, response)),
            },
            Verdict::Asking(verdict) => Self::Asking {
                verdict,
                next: Some((request, Rc::clone(service))),
            },
        }
    }
}

impl<S, B> Future for GuardFuture<S>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error>,
{
    type Output = Result<ServiceResponse<EitherBody<B>>, Error>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let mut stage = self.project().stage;
        loop {
            let then = match stage.as_mut().project() {
                Projected::Asking { verdict, next } => {
                    let verdict = ready!(verdict.as_mut().poll(context));
                    let Some((request, service)) = next.take() else {
                        return Poll::Pending;
                    };
                    Stage::after(verdict, request, &service)
                }
                Projected::Passed { service } => {
                    let answer = ready!(service.poll(context));
                    return Poll::Ready(answer.map(ServiceResponse::map_into_left_body));
                }
                Projected::Refused { answer } => {
                    let Some((request, response)) = answer.take() else {
                        return Poll::Pending;
                    };
                    return Poll::Ready(Ok(request.into_response(response).map_into_right_body()));
                }
            };
            stage.set(then);
        }
    }
}

impl<S: Service<ServiceRequest>> fmt::Debug for GuardFuture<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("GuardFuture(..)")
    }
}
