//! An application with sessions, without a socket.

use std::rc::Rc;

use actix_http::Request;
use actix_web::{
    App, Error, HttpResponse,
    body::{self, MessageBody},
    dev::{Service, ServiceResponse},
    test::{TestRequest, init_service},
    web::ServiceConfig,
};
use futures_util::future::LocalBoxFuture;
use sessions_actix::Sessions;

use super::Answer;

type Call = dyn Fn(Request) -> LocalBoxFuture<'static, Answer>;

/// An application with sessions, without a socket. Clones are the same.
#[derive(Clone)]
pub(crate) struct Server(Rc<Call>);

impl Server {
    /// These routes, inside these sessions.
    pub(crate) async fn new(sessions: Sessions, routes: impl FnOnce(&mut ServiceConfig)) -> Self {
        Self::of(init_service(App::new().configure(routes).wrap(sessions)).await)
    }

    /// These routes, with no sessions around them.
    pub(crate) async fn without_sessions(routes: impl FnOnce(&mut ServiceConfig)) -> Self {
        Self::of(init_service(App::new().configure(routes)).await)
    }

    pub(crate) fn of<S, B>(service: S) -> Self
    where
        S: Service<Request, Response = ServiceResponse<B>, Error = Error> + 'static,
        B: MessageBody + 'static,
    {
        let service = Rc::new(service);
        Self(Rc::new(move |request| {
            let service = Rc::clone(&service);
            Box::pin(async move {
                match service.call(request).await {
                    Ok(response) => read(response.into()).await,
                    Err(error) => read(HttpResponse::from_error(error)).await,
                }
            })
        }))
    }

    pub(crate) async fn call(&self, request: Request) -> Answer {
        (self.0)(request).await
    }

    /// A request that carries nothing.
    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.call(TestRequest::get().uri(path).to_request()).await
    }
}

async fn read<B: MessageBody>(response: HttpResponse<B>) -> Answer {
    let status = response.status();
    let headers = response.headers().clone();
    let body = body::to_bytes(response.into_body())
        .await
        .map_err(|_| "the body ended early")
        .unwrap();
    Answer {
        status,
        headers,
        body,
    }
}
