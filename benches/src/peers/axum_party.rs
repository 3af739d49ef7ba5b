//! An application of axum and its one client.

use axum::{
    Router,
    body::{Body, Bytes, to_bytes},
    http::{HeaderValue, Request, header::COOKIE, header::SET_COOKIE},
    response::Response,
};
use futures_util::{FutureExt as _, future::LocalBoxFuture};
use tower::Service as _;
use workloads::{Carrier, Contestant, Failure, Party, Workload, cookie_pair};

/// An application of axum. A client that has not logged in sends `token` where a workload asks for one.
pub(super) fn contestant(name: &'static str, router: Router, token: Option<HeaderValue>) -> Contestant {
    let served = router.clone();
    Contestant::new(
        name,
        Carrier::Cookie,
        Box::new(move || {
            let (router, token) = (router.clone(), token.clone());
            Box::pin(async move {
                Ok(Box::new(AxumParty {
                    router,
                    token,
                    requests: Vec::new(),
                    last: None,
                }) as Box<dyn Party>)
            })
        }),
        Box::new(move |listener| {
            let router = served.clone();
            Box::pin(async move {
                listener.set_nonblocking(true)?;
                axum::serve(tokio::net::TcpListener::from_std(listener)?, router).await
            })
        }),
    )
}

struct AxumParty {
    router: Router,
    token: Option<HeaderValue>,
    requests: Vec<Request<Body>>,
    last: Option<Response>,
}

impl Party for AxumParty {
    fn prepare(&mut self, workload: Workload, requests: usize) {
        self.last = None;
        for _ in 0..requests {
            let mut request = Request::new(Body::empty());
            *request.uri_mut() = workload.path().parse().unwrap_or_default();
            if let Some(token) = self.token.clone().filter(|_| workload.has_token()) {
                request.headers_mut().insert(COOKIE, token);
            }
            self.requests.push(request);
        }
    }

    fn run(&mut self) -> LocalBoxFuture<'_, Result<(), Failure>> {
        Box::pin(async {
            for request in self.requests.drain(..) {
                self.last = None;
                let response = self.router.call(request).await?;
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
        if let Some(line) = response.headers().get(SET_COOKIE) {
            self.token = Some(HeaderValue::from_bytes(cookie_pair(line.as_bytes()))?);
        }
        let body = to_bytes(response.into_body(), usize::MAX).now_or_never();
        Ok(body.ok_or("a body that has to be waited for")??)
    }
}
