//! How a command gets to the server that has its key. A command that a server has refused goes to another one; one that
//! nobody has answered is never sent again, as it may have been done.

use std::sync::Arc;

use redis::{Cmd, ErrorKind, RedisError, RedisResult, RetryMethod, ServerErrorKind, Value, cmd, pipe};
use tokio::{
    runtime::Handle,
    time::{Instant, timeout_at},
};

use super::{
    RedisStorage, Shared,
    connections::{Link, PATIENCE, Worker, lock},
    error::Failure,
    scripts::{Operation, Outcome},
    servers::{Server, closed},
};
use crate::StorageError;

/// How often a command is sent to somebody else. It takes two for a key that is just being moved.
const REDIRECTIONS: usize = 5;

/// Whom to ask next.
enum Next {
    /// Whoever has the key.
    Owner,
    /// Somebody who is said to have it.
    Named(Server),
    /// Somebody who is just being given it.
    Receiver(Server),
}

enum Answer {
    Given(Value),
    /// It was refused, and is to go there.
    Elsewhere(Next, RedisError),
}

impl RedisStorage {
    /// What a script on one key answers.
    pub(super) async fn run(
        &self,
        operation: &Operation,
        key: &[u8],
        arguments: &[&[u8]],
    ) -> Result<Outcome, StorageError> {
        let answer = match self
            .ask(key, &script("EVALSHA", &operation.digest, key, arguments))
            .await
        {
            // The server has started since, or it is another one.
            Err(Failure::NotDone(error)) if error.kind() == ErrorKind::Server(ServerErrorKind::NoScript) => {
                self.ask(key, &script("EVAL", &operation.text, key, arguments))
                    .await
            }
            answer => answer,
        };
        match answer.map_err(Failure::writing)? {
            Value::Int(answer) => Outcome::of(answer),
            _ => None,
        }
        .ok_or_else(|| StorageError::outcome_unknown("a script gave an answer that it does not have"))
    }

    /// What whoever has this key says to a command.
    pub(super) async fn ask(&self, key: &[u8], command: &Cmd) -> Result<Value, Failure> {
        let deadline = Instant::now() + PATIENCE;
        let mut next = Next::Owner;
        for _ in 0..REDIRECTIONS {
            let refused = match self.ask_one(&next, key, command, deadline).await? {
                Answer::Given(answer) => return Ok(answer),
                Answer::Elsewhere(elsewhere, refused) => {
                    next = elsewhere;
                    refused
                }
            };
            if Instant::now() >= deadline {
                return Err(Failure::NotDone(refused));
            }
        }
        Err(Failure::NotDone(
            (ErrorKind::Client, "each server says that another one has the key").into(),
        ))
    }

    async fn ask_one(
        &self,
        next: &Next,
        key: &[u8],
        command: &Cmd,
        deadline: Instant,
    ) -> Result<Answer, Failure> {
        let worker = self.shared.worker().map_err(Failure::NotDone)?;
        let servers = &self.shared.servers;
        let map = if servers.is_cluster() {
            let map = timeout_at(deadline, worker.map(servers)).await;
            Some(map.unwrap_or_else(|_| Err(closed())).map_err(Failure::NotDone)?)
        } else {
            None
        };
        let server = match (next, &map) {
            (Next::Named(server) | Next::Receiver(server), _) => server,
            (Next::Owner, None) => &Server::Only,
            (Next::Owner, Some(map)) => map.slots.server_of(key).ok_or_else(|| {
                map.end();
                Failure::NotDone((ErrorKind::Client, "no server of the cluster has the slot").into())
            })?,
        };
        let link = timeout_at(deadline, worker.link(servers, server)).await;
        let link = match link.unwrap_or_else(|_| Err(closed())) {
            Ok(link) => link,
            // Another one may have taken its place.
            Err(error) => {
                return match map {
                    Some(map) => {
                        map.end();
                        Ok(Answer::Elsewhere(Next::Owner, error))
                    }
                    None => Err(Failure::NotDone(error)),
                };
            }
        };
        let refused = match send(&link, command, next).await.map_err(Failure::of) {
            Ok(answer) => return Ok(Answer::Given(answer)),
            Err(Failure::NotDone(refused)) => refused,
            Err(unknown) => {
                // What is late would be taken for another answer by nobody; but it may never come.
                link.end();
                return Err(unknown);
            }
        };
        let named = refused
            .redirect_node()
            .and_then(|(address, _)| Server::named(address));
        let next = match (refused.retry_method(), named) {
            (RetryMethod::AskRedirect, Some(server)) => {
                self.shared.redirected();
                Next::Receiver(server)
            }
            (RetryMethod::MovedRedirect, Some(server)) => {
                self.shared.redirected();
                if let Some(map) = map {
                    map.end();
                }
                Next::Named(server)
            }
            // It is master no more.
            (RetryMethod::RefreshSlotsAndRetry, _) => {
                link.end();
                if let Some(map) = map {
                    map.end();
                }
                Next::Owner
            }
            _ => return Err(Failure::NotDone(refused)),
        };
        Ok(Answer::Elsewhere(next, refused))
    }
}

impl Shared {
    /// The connections of the runtime that this is called in.
    pub(super) fn worker(&self) -> RedisResult<Arc<Worker>> {
        let Ok(runtime) = Handle::try_current() else {
            return Err((ErrorKind::Client, "it has to be called in a runtime of tokio").into());
        };
        let mut workers = lock(&self.workers);
        Ok(Arc::clone(workers.entry(runtime.id()).or_default()))
    }
}

async fn send(link: &Link, command: &Cmd, next: &Next) -> RedisResult<Value> {
    let mut connection = link.connection();
    match next {
        Next::Owner | Next::Named(_) => command.query_async(&mut connection).await,
        Next::Receiver(_) => {
            let mut both = pipe();
            both.add_command(cmd("ASKING"))
                .ignore()
                .add_command(command.clone());
            let (answer,) = both.query_async(&mut connection).await?;
            Ok(answer)
        }
    }
}

fn script(how: &str, what: &str, key: &[u8], arguments: &[&[u8]]) -> Cmd {
    let mut command = cmd(how);
    command.arg(what).arg(1).arg(key);
    for argument in arguments {
        command.arg(*argument);
    }
    command
}
