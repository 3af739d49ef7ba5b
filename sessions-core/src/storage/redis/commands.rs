//! How a command gets to the server that has its key. A command that a server has refused goes to another one; one that
//! nobody has answered is never sent again, as it may have been done.

use std::sync::Arc;

use redis::{
    Cmd, ErrorKind, RedisError, RedisResult, RetryMethod, ServerErrorKind, Value, aio::MultiplexedConnection,
    cmd, pipe,
};
use tokio::{
    runtime::Handle,
    time::{Instant, timeout_at},
};

use super::{
    RedisStorage, Shared,
    connections::{Link, PATIENCE, Worker, lock, unanswered},
    error::Failure,
    scripts::{Operation, Outcome},
    servers::Server,
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
                Box::pin(self.ask(key, &script("EVAL", &operation.text, key, arguments))).await
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
        let worker = self.shared.worker().map_err(Failure::NotDone)?;
        let deadline = Instant::now() + PATIENCE;
        let mut next = Next::Owner;
        let mut redirections = 0;
        loop {
            let (elsewhere, refused) = match self.reach(&worker, &next, key, deadline).await {
                Ok((server, link)) => match send(&link, command, &next).await.map_err(Failure::of) {
                    Ok(answer) => return Ok(answer),
                    Err(Failure::NotDone(refused)) => {
                        (self.elsewhere(&worker, &server, &link, &refused), refused)
                    }
                    Err(unknown) => {
                        // Its answer may never come.
                        link.end();
                        return Err(unknown);
                    }
                },
                Err(unreached) => {
                    worker.forget_slots();
                    // Another one may have taken its place.
                    (self.shared.servers.is_cluster().then_some(Next::Owner), unreached)
                }
            };
            redirections += 1;
            match elsewhere {
                Some(elsewhere) if redirections < REDIRECTIONS && Instant::now() < deadline => {
                    next = elsewhere
                }
                _ => return Err(Failure::NotDone(refused)),
            }
        }
    }

    /// Whoever is to be asked.
    async fn reach(
        &self,
        worker: &Worker,
        next: &Next,
        key: &[u8],
        deadline: Instant,
    ) -> RedisResult<(Server, Arc<Link>)> {
        let servers = &self.shared.servers;
        let reached = timeout_at(deadline, async {
            let server = match next {
                Next::Named(server) | Next::Receiver(server) => server.clone(),
                Next::Owner if servers.is_cluster() => worker.slots(servers).await?.server_of(key).clone(),
                Next::Owner => Server::Only,
            };
            let link = worker.link(servers, &server).await?;
            Ok((server, link))
        });
        let (server, link) = reached.await.unwrap_or_else(|_| Err(unanswered()))?;
        if link.is_new() {
            self.shared.moves.reached(&link);
        }
        Ok((server, link))
    }

    /// Who does what this server has refused, if anybody does.
    fn elsewhere(&self, worker: &Worker, server: &Server, link: &Link, refused: &RedisError) -> Option<Next> {
        let named = refused
            .redirect_node()
            .and_then(|(address, _)| server.named(address));
        match (refused.retry_method(), named) {
            (RetryMethod::AskRedirect, Some(receiver)) => {
                self.shared.moves.happened();
                Some(Next::Receiver(receiver))
            }
            (RetryMethod::MovedRedirect, Some(owner)) => {
                self.shared.moves.happened();
                worker.forget_slots();
                Some(Next::Named(owner))
            }
            // It is master no more.
            (RetryMethod::RefreshSlotsAndRetry, _) => {
                link.end();
                worker.forget_slots();
                Some(Next::Owner)
            }
            // It is starting, or has lost the others: another one may take its place in a while.
            (RetryMethod::WaitAndRetry, _) => {
                link.end();
                worker.forget_slots();
                None
            }
            _ => None,
        }
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
        // Boxed: all commands would have the room for what few need.
        Next::Receiver(_) => Box::pin(send_asking(connection, command)).await,
    }
}

async fn send_asking(mut connection: MultiplexedConnection, command: &Cmd) -> RedisResult<Value> {
    let mut both = pipe();
    both.cmd("ASKING").add_command(command.clone());
    // Whatever it says to the first: the second has been done, or it says so itself.
    let answer = connection.send_packed_commands(&both, 1, 1).await?.pop();
    answer.unwrap_or(Value::Nil).extract_error()
}

fn script(how: &str, what: &str, key: &[u8], arguments: &[&[u8]]) -> Cmd {
    let mut command = cmd(how);
    command.arg(what).arg(1).arg(key);
    for argument in arguments {
        command.arg(*argument);
    }
    command
}
