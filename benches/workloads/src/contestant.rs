//! Who is measured.

use std::{fmt, io, net::TcpListener};

use actix_web::{
    App, Error, HttpServer,
    body::MessageBody,
    dev::{ServiceFactory, ServiceRequest, ServiceResponse},
    http::header::HeaderValue,
    test::init_service,
};
use futures_util::future::LocalBoxFuture;

use crate::{Carrier, Failure, Party, Workload, party::ActixParty};

type Start = Box<dyn Fn() -> LocalBoxFuture<'static, Result<Box<dyn Party>, Failure>>>;
type Serve = Box<dyn Fn(TcpListener) -> LocalBoxFuture<'static, io::Result<()>>>;

/// Someone who is measured: an application that can be started in this process or behind a socket.
pub struct Contestant {
    /// As in the tables.
    pub name: &'static str,
    /// What it takes part in.
    pub workloads: &'static [Workload],
    /// Of these, what waits for a disk or a server, so that fewer requests have to do.
    pub waits: &'static [Workload],
    start: Start,
    serve: Serve,
}

impl Contestant {
    /// One that takes part in everything and waits for nothing.
    pub fn new(name: &'static str, start: Start, serve: Serve) -> Self {
        Self {
            name,
            workloads: &Workload::ALL,
            waits: &[],
            start,
            serve,
        }
    }

    /// An application of actix-web. A client that has not logged in sends `token` where a workload asks for one.
    pub fn actix<F, S, B>(name: &'static str, carrier: Carrier, token: Option<HeaderValue>, app: F) -> Self
    where
        F: Fn() -> App<S> + Clone + Send + 'static,
        S: ServiceFactory<
                ServiceRequest,
                Config = (),
                Response = ServiceResponse<B>,
                Error = Error,
                InitError = (),
            > + 'static,
        B: MessageBody + 'static,
    {
        let served = app.clone();
        let start: Start = Box::new(move || {
            let (app, carrier, token) = (app(), carrier.clone(), token.clone());
            Box::pin(async move {
                let party = ActixParty::new(init_service(app).await, carrier, token);
                Ok(Box::new(party) as Box<dyn Party>)
            })
        });
        let serve: Serve = Box::new(move |listener| {
            let server = HttpServer::new(served.clone()).workers(1);
            Box::pin(async move { server.listen(listener)?.run().await })
        });
        Self::new(name, start, serve)
    }

    /// Restricts it to these workloads.
    #[must_use]
    pub fn only(mut self, workloads: &'static [Workload]) -> Self {
        self.workloads = workloads;
        self
    }

    /// Says that it waits for a disk or a server in these workloads.
    #[must_use]
    pub fn waiting_in(mut self, workloads: &'static [Workload]) -> Self {
        self.waits = workloads;
        self
    }

    /// Starts it in this process, with a client that has logged in.
    ///
    /// # Errors
    /// It cannot be started.
    pub async fn start(&self) -> Result<Box<dyn Party>, Failure> {
        let mut party = (self.start)().await?;
        party.prepare(Workload::Login, 1);
        party.run().await?;
        party.settle()?;
        Ok(party)
    }

    /// Serves it behind this socket with one worker, for ever.
    ///
    /// # Errors
    /// The socket's.
    pub async fn serve(&self, listener: TcpListener) -> io::Result<()> {
        (self.serve)(listener).await
    }
}

impl fmt::Debug for Contestant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Contestant")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}
