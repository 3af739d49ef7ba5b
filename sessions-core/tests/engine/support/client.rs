//! A client: what it was told to keep, it shows.

use std::{sync::Arc, time::Duration};

use super::Checked;
use sessions_core::{
    RequestView, Session, SessionError, Token,
    engine::{Engine, Opening, Outcome, SessionStatus, Slot, TokenAction},
};

/// What a response said of the token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Said {
    Nothing,
    Sent,
    SentFor(Duration),
    Removed,
    RemovedWithSiteData,
}

/// Holds tokens as a cookie jar does: a new one takes the place of all. None that it gets or shows may stand in the log or
/// in an error.
pub(crate) struct Client<T: Session> {
    engine: Engine<T>,
    tokens: Vec<String>,
}

impl<T: Session> Clone for Client<T> {
    fn clone(&self) -> Self {
        Self {
            engine: self.engine.clone(),
            tokens: self.tokens.clone(),
        }
    }
}

impl<T: Session> Client<T> {
    pub(crate) fn new(engine: &Engine<T>) -> Self {
        Self::showing(engine, [""; 0])
    }

    pub(crate) fn showing(engine: &Engine<T>, tokens: impl IntoIterator<Item = impl Into<String>>) -> Self {
        let tokens: Vec<String> = tokens.into_iter().map(Into::into).collect();
        leaks::watch();
        for token in &tokens {
            remember(engine, token);
        }
        Self {
            engine: engine.clone(),
            tokens,
        }
    }

    /// The same tokens, shown to another engine.
    pub(crate) fn at<U: Session>(&self, engine: &Engine<U>) -> Client<U> {
        Client::showing(engine, self.tokens.clone())
    }

    pub(crate) fn engine(&self) -> &Engine<T> {
        &self.engine
    }

    #[track_caller]
    pub(crate) fn token(&self) -> &str {
        assert_eq!(self.tokens.len(), 1, "one token");
        &self.tokens[0]
    }

    pub(crate) fn has_token(&self) -> bool {
        !self.tokens.is_empty()
    }

    pub(crate) async fn open(&self) -> Slot<T> {
        let opening = self.try_open(&());
        opening.await.unwrap()
    }

    /// Not held up by the request that it looks at, as an extractor's future is not.
    pub(crate) fn try_open(
        &self,
        request: &dyn RequestView,
    ) -> impl Future<Output = Result<Slot<T>, SessionError>> + Send + use<T> {
        let opening = self
            .engine
            .open(self.tokens.iter().map(String::as_bytes), request);
        async move {
            match opening {
                Opening::Ready(slot) => Ok(slot),
                Opening::Failed(error) => Err(error).checked(),
                Opening::Loading(loading) => loading.finish().await.checked(),
            }
        }
    }

    /// What the response says, done.
    pub(crate) fn apply(&mut self, action: TokenAction) -> Said {
        match action {
            TokenAction::Keep => Said::Nothing,
            TokenAction::Send { token, max_age } => {
                self.keep(&token);
                max_age.map_or(Said::Sent, Said::SentFor)
            }
            TokenAction::Remove { clear_site_data } => {
                self.tokens.clear();
                if clear_site_data {
                    Said::RemovedWithSiteData
                } else {
                    Said::Removed
                }
            }
        }
    }

    fn keep(&mut self, token: &Token) {
        remember(&self.engine, token.expose());
        self.tokens = vec![super::text(token)];
    }

    /// The end of a request that is answered well.
    pub(crate) async fn ends(&mut self, slot: &Slot<T>) -> Result<Said, SessionError> {
        let action = slot.commit(Outcome::Answered).await.checked()?;
        Ok(self.apply(action))
    }

    /// The end of a request that is answered with a 5xx.
    pub(crate) async fn fails(&mut self, slot: &Slot<T>) -> Result<Said, SessionError> {
        let action = slot.commit(Outcome::ServerError).await.checked()?;
        Ok(self.apply(action))
    }

    /// One request, in which the handler waits for nothing.
    pub(crate) async fn does<R>(
        &mut self,
        handler: impl FnOnce(&Slot<T>) -> Result<R, SessionError>,
    ) -> Said {
        let slot = self.open().await;
        handler(&slot).unwrap();
        self.ends(&slot).await.unwrap()
    }

    /// One request.
    pub(crate) async fn runs(&mut self, handler: impl AsyncFnOnce(&Slot<T>)) -> Said {
        let slot = self.open().await;
        handler(&slot).await;
        self.ends(&slot).await.unwrap()
    }

    /// One request that only reads.
    pub(crate) async fn reads(&mut self) -> Said {
        self.does(|slot| {
            let _ = slot.get();
            Ok(())
        })
        .await
    }

    /// The value that a request sees, without its response.
    pub(crate) async fn sees(&self) -> Option<Arc<T>> {
        self.open().await.get()
    }

    pub(crate) async fn status(&self) -> SessionStatus {
        self.open().await.status()
    }
}

/// No line of the log may show it.
fn remember<T: Session>(engine: &Engine<T>, token: &str) {
    match token.len() {
        // By id, with the longest handle there is, which a sealed value could not be told from.
        128 if !engine.is_client_side() => leaks::remember_secret(&super::decode(token)[64..]),
        _ => leaks::remember_token(token.as_bytes()),
    }
}

impl<T: Session> Drop for Client<T> {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            leaks::check_log();
        }
    }
}
