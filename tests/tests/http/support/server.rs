//! An application with sessions, without a socket.

use std::{cell::RefCell, rc::Rc};

use actix_http::Request;
use actix_web::{
    App, Error,
    body::{self, MessageBody},
    dev::{Service, ServiceResponse},
    test::{TestRequest, init_service},
    web::ServiceConfig,
};
use futures_util::future::LocalBoxFuture;
use sessions_actix::Sessions;
use tests::{
    judge::{Exception, Judge},
    leaks,
};

use super::Answer;

type Call = dyn Fn(Request) -> LocalBoxFuture<'static, Answer>;

/// An application with sessions, without a socket, all of whose answers are judged. Clones are the same.
#[derive(Clone)]
pub(crate) struct Server {
    call: Rc<Call>,
    judge: Rc<RefCell<Judge>>,
}

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
        leaks::watch();
        let service = Rc::new(service);
        let judge: Rc<RefCell<Judge>> = Rc::default();
        let call = {
            let judge = Rc::clone(&judge);
            move |request| -> LocalBoxFuture<'static, Answer> {
                let (service, judge) = (Rc::clone(&service), Rc::clone(&judge));
                Box::pin(async move {
                    let (response, error) = match service.call(request).await {
                        Ok(response) => (response.into_parts().1.map_into_boxed_body(), None),
                        Err(error) => (error.error_response(), Some(error)),
                    };
                    let (head, body) = response.into_parts();
                    let answer = Answer {
                        status: head.status(),
                        headers: head.headers().clone(),
                        body: body::to_bytes(body)
                            .await
                            .map_err(|_| "the body ended early")
                            .unwrap(),
                    };
                    let error = error.as_ref().or(head.error());
                    let mut judge = judge.borrow_mut();
                    judge.assert_response(answer.status, &answer.headers, &answer.body, error);
                    drop(judge);
                    answer
                })
            }
        };
        Self {
            call: Rc::new(call),
            judge,
        }
    }

    /// Lets pass, from now on, what this test has on purpose.
    pub(crate) fn except(&self, exception: Exception) {
        self.judge.borrow_mut().except(exception);
    }

    pub(crate) async fn call(&self, request: Request) -> Answer {
        (self.call)(request).await
    }

    /// A request that carries nothing.
    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.call(TestRequest::get().uri(path).to_request()).await
    }
}
