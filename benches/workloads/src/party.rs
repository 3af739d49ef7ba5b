//! An application and its one client, in one process and on one thread.

use actix_http::{Request, body::MessageBody};
use actix_web::{
    Error,
    dev::{Service, ServiceResponse},
    http::header::{COOKIE, HeaderMap, HeaderName, HeaderValue, SET_COOKIE},
    test::TestRequest,
    web::Bytes,
};
use futures_util::future::LocalBoxFuture;

use crate::{Failure, Workload};

/// An application and its one client.
///
/// Only [`run`](Self::run) is to be measured: requests are made before it, and what the last response says is looked at after
/// it. Within it each response is dropped before the next request is sent, as on a connection.
pub trait Party {
    /// Makes the requests of the next [`run`](Self::run).
    fn prepare(&mut self, workload: Workload, requests: usize);

    /// Sends the requests, one after the other, and keeps the last response. What it is made of is allocated before it is
    /// polled.
    fn run(&mut self) -> LocalBoxFuture<'_, Result<(), Failure>>;

    /// Takes over the token that the last response brings, if it does, and gives its body.
    ///
    /// # Errors
    /// There was no response, or its body cannot be read.
    fn settle(&mut self) -> Result<Bytes, Failure>;
}

/// How a client sends its token and is given it.
#[derive(Clone, Debug)]
pub enum Carrier {
    /// In a cookie.
    Cookie,
    /// In a header of that name.
    Header(HeaderName),
}

impl Carrier {
    /// The header of a request that has the token.
    #[must_use]
    pub fn header(&self) -> HeaderName {
        match self {
            Self::Cookie => COOKIE,
            Self::Header(name) => name.clone(),
        }
    }

    /// What a client sends from now on, if this response tells it so.
    #[must_use]
    pub fn token(&self, response: &HeaderMap) -> Option<HeaderValue> {
        match self {
            Self::Cookie => cookie_pair(response.get(SET_COOKIE)?.as_bytes()),
            Self::Header(name) => response.get(name).cloned(),
        }
    }
}

/// What is sent back of a `Set-Cookie`.
#[must_use]
pub fn cookie_pair(line: &[u8]) -> Option<HeaderValue> {
    let pair = line.split(|&byte| byte == b';').next()?;
    HeaderValue::from_bytes(pair).ok()
}

/// An application of actix-web and its client.
pub(crate) struct ActixParty<S, B> {
    pub(crate) service: S,
    pub(crate) carrier: Carrier,
    pub(crate) token: Option<HeaderValue>,
    requests: Vec<Request>,
    last: Option<ServiceResponse<B>>,
}

impl<S, B> ActixParty<S, B> {
    pub(crate) fn new(service: S, carrier: Carrier, token: Option<HeaderValue>) -> Self {
        Self {
            service,
            carrier,
            token,
            requests: Vec::new(),
            last: None,
        }
    }
}

impl<S, B> Party for ActixParty<S, B>
where
    S: Service<Request, Response = ServiceResponse<B>, Error = Error>,
    B: MessageBody,
{
    fn prepare(&mut self, workload: Workload, requests: usize) {
        self.last = None;
        for _ in 0..requests {
            let mut request = TestRequest::with_uri(workload.path());
            if let Some(token) = self.token.clone().filter(|_| workload.has_token()) {
                request = request.insert_header((self.carrier.header(), token));
            }
            self.requests.push(request.to_request());
        }
    }

    fn run(&mut self) -> LocalBoxFuture<'_, Result<(), Failure>> {
        Box::pin(async {
            for request in self.requests.drain(..) {
                self.last = None;
                let response = self.service.call(request).await?;
                if !response.status().is_success() {
                    return Err(response.status().to_string().into());
                }
                self.last = Some(response);
            }
            Ok(())
        })
    }

    fn settle(&mut self) -> Result<Bytes, Failure> {
        let response = self.last.take().ok_or("no response")?;
        if let Some(token) = self.carrier.token(response.headers()) {
            self.token = Some(token);
        }
        let body = response.into_body().try_into_bytes();
        body.map_err(|_| "a body that has to be waited for".into())
    }
}
