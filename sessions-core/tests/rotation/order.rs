//! One order: what has happened so far, step by step.

use std::{
    collections::HashMap,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, Waker},
    time::Duration,
};

use sessions_core::{Clock as _, Record, Timestamp};
use tokio::task::unconstrained;

use crate::stepped::{Call, Done};
use crate::{
    names::{Names, put_time},
    requests::{Answered, Does, in_turn, request, time, value},
    scene::{Arrival, Node, Scene},
    steps::{self, Over, Seen},
};

/// What may happen next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// The call that the request waits at happens, and the request goes on to its next one.
    Goes(usize),
    /// The request is broken off, and its call does not happen.
    Breaks(usize),
    /// The request is broken off while its call is on its way.
    Leaves(usize),
    /// The call of a request that was broken off happens.
    Lands(usize),
}

/// What may break.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Breaks {
    Nothing,
    /// So many requests, at any call.
    AtMost(usize),
}

/// Whether anybody still waits for an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ear {
    Open,
    Gone,
}

/// Whether a step is taken for the first time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Taken {
    First,
    Again,
}

type Running = Pin<Box<dyn Future<Output = Answered>>>;

/// How far a request is.
pub(crate) enum Request {
    Runs(Running),
    Answered(Answered),
    Broken,
    /// Broken off, with a call on its way.
    Left(Call),
}

pub(crate) struct Order<'a> {
    pub(crate) scene: &'a Scene,
    pub(crate) does: &'a [Does],
    pub(crate) nodes: Vec<Node>,
    pub(crate) requests: Vec<Request>,
    /// What the checks know of each request.
    pub(crate) seen: Vec<Seen>,
    /// What the requests show and has lost its power.
    pub(crate) over: HashMap<[u8; 32], Over>,
    pub(crate) names: Names,
    /// What each node was answered, in its order. As it knows nothing else, it is the same again where this is.
    histories: Vec<Vec<u8>>,
    steps: Vec<Step>,
    /// What was stored, one after the other, from the oldest that a copy may show.
    pub(crate) versions: Vec<Option<Arc<Record>>>,
    /// For each node, which of these its last write has left.
    pub(crate) written: Vec<usize>,
}

impl Drop for Order<'_> {
    /// Says in which order it was that something did not hold.
    fn drop(&mut self) {
        if std::thread::panicking() {
            let (variant, shows) = (self.scene.variant, self.scene.shows);
            eprintln!(
                "{variant:?}, {shows:?}: {:?} in the order {:?}",
                self.does, self.steps
            );
        }
    }
}

impl<'a> Order<'a> {
    /// All requests, each before its first step.
    pub(crate) async fn begin(scene: &'a Scene, does: &'a [Does], taken: Taken) -> Self {
        let nodes = scene.begin(does.len());
        let storage = &scene.storage;
        storage.stepping(true);
        let mut order = Self {
            scene,
            does,
            histories: vec![Vec::new(); nodes.len()],
            seen: Vec::new(),
            over: HashMap::new(),
            names: Names::of(&scene.records),
            requests: Vec::new(),
            steps: Vec::new(),
            versions: scene.versions(),
            written: vec![0; nodes.len()],
            nodes,
        };
        for (index, does) in does.iter().enumerate() {
            let (client, hash) = scene.shown(index);
            order.seen.push(Seen::new(*does, *hash));
            let client = client.at(&order.node(index).engine);
            let (storage, clock) = (storage.clone(), scene.clock.clone());
            let running: Running = if does.is_time() {
                Box::pin(in_turn(storage, clock.clone(), time(client, *does, clock)))
            } else {
                let request = unconstrained(request(client, *does, value(index)));
                match scene.arrival(order.does) {
                    Arrival::InTurn => Box::pin(in_turn(storage, clock, request)),
                    Arrival::AtItsFirstCall => Box::pin(request),
                }
            };
            order.requests.push(Request::Runs(running));
            // Up to its first call nothing depends on the order.
            order.poll(index, taken).await;
        }
        order
    }

    pub(crate) fn node_of(&self, index: usize) -> usize {
        index % self.nodes.len()
    }

    pub(crate) fn node(&self, index: usize) -> &Node {
        &self.nodes[self.node_of(index)]
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.scene.clock.now()
    }

    /// What may happen next; nothing when all is over.
    pub(crate) fn steps(&self, breaks: Breaks) -> Vec<Step> {
        let mut steps = Vec::new();
        let broken = self
            .requests
            .iter()
            .filter(|request| matches!(request, Request::Broken | Request::Left(_)));
        let may_break = match breaks {
            Breaks::Nothing => false,
            Breaks::AtMost(most) => broken.count() < most,
        };
        for (index, request) in self.requests.iter().enumerate() {
            match request {
                Request::Runs(_) => {
                    steps.push(Step::Goes(index));
                    // Time that does not pass is no request that is broken off.
                    if may_break && !self.does[index].is_time() {
                        steps.push(Step::Breaks(index));
                        let waits = self.scene.storage.waiting(index);
                        if waits.is_some_and(|call| call.writes()) {
                            steps.push(Step::Leaves(index));
                        }
                    }
                }
                Request::Left(_) => steps.push(Step::Lands(index)),
                Request::Answered(_) | Request::Broken => {}
            }
        }
        steps
    }

    pub(crate) async fn take(&mut self, step: Step, taken: Taken) {
        self.steps.push(step);
        match step {
            Step::Goes(index) => self.poll(index, taken).await,
            Step::Breaks(index) => {
                self.requests[index] = Request::Broken;
                self.scene.storage.abandoned(index);
                self.heard(index, |text| text.push(6));
            }
            Step::Leaves(index) => {
                let call = self.scene.storage.abandoned(index).unwrap();
                self.requests[index] = Request::Left(call);
                self.heard(index, |text| text.push(7));
            }
            Step::Lands(index) => {
                if let Request::Left(call) = std::mem::replace(&mut self.requests[index], Request::Broken) {
                    self.scene.storage.run_for_nobody(index, call);
                    self.happened(taken, Ear::Gone);
                }
            }
        }
    }

    /// Lets a request go on, to where it waits for the storage, or to its end.
    async fn poll(&mut self, index: usize, taken: Taken) {
        steps::arrives(self, index);
        let storage = &self.scene.storage;
        storage.caller(index);
        let mut context = Context::from_waker(Waker::noop());
        loop {
            let Request::Runs(running) = &mut self.requests[index] else {
                panic!("{:?} is over", self.does[index]);
            };
            match running.as_mut().poll(&mut context) {
                Poll::Ready(answered) => {
                    self.requests[index] = Request::Answered(answered);
                    break;
                }
                Poll::Pending if storage.waiting(index).is_some() => break,
                // A wait of random length between two attempts: nobody else can tell how long it was.
                Poll::Pending => tokio::time::advance(Duration::from_millis(60)).await,
            }
        }
        self.happened(taken, Ear::Open);
        if let Some(call) = storage.waiting(index) {
            self.names.called(index, &call.operation);
        }
        if taken == Taken::First {
            steps::copies(self);
        }
        if let (Request::Answered(answered), Taken::First) = (&self.requests[index], taken) {
            steps::answered(self, index, answered);
        }
    }

    /// What was done since the last step, remembered and judged.
    fn happened(&mut self, taken: Taken, ear: Ear) {
        let now = self.now();
        for (index, done) in self.scene.storage.done() {
            if taken == Taken::First {
                steps::happened(self, index, &done);
            }
            let by = (ear == Ear::Open).then(|| self.node_of(index));
            // A touch says nothing about the rest of the record.
            let revision = |record: &Option<Arc<Record>>| record.as_ref().map(|record| record.revision);
            if done.call.operation.key() == Some(self.scene.key)
                && revision(&done.before) != revision(&done.after)
            {
                self.versions.push(done.after.clone());
                if let Some(node) = by {
                    self.written[node] = self.versions.len() - 1;
                }
            }
            self.note_end(by, &done);
            if ear == Ear::Open {
                self.seen[index].heard(self.scene.key, &done);
                let node = self.node_of(index);
                let text = &mut self.histories[node];
                text.push(u8::try_from(index).unwrap());
                // What it makes of the answer depends on when it hears it.
                put_time(text, now);
                self.names.put_answer(text, &done);
            }
        }
    }

    /// Whether this has taken the power of what a client shows.
    fn note_end(&mut self, by: Option<usize>, done: &Done) {
        if done.call.operation.key() != Some(self.scene.key) {
            return;
        }
        let now = self.now();
        for (_, hash) in self.scene.all_shown() {
            if !steps::is_good(done.after.as_deref(), hash, now) {
                self.over.entry(*hash).or_insert((now, by));
            }
        }
    }

    fn heard(&mut self, index: usize, put: impl FnOnce(&mut Vec<u8>)) {
        let node = self.node_of(index);
        let text = &mut self.histories[node];
        text.push(u8::try_from(index).unwrap());
        put(text);
    }

    /// All that what can happen from now on depends on.
    pub(crate) fn state(&self) -> Vec<u8> {
        let mut text = Vec::with_capacity(512);
        put_time(&mut text, self.now());
        self.names
            .put_records(&mut text, &self.scene.storage.records(self.now()));
        for history in &self.histories {
            text.extend_from_slice(&u32::try_from(history.len()).unwrap().to_be_bytes());
            text.extend_from_slice(history);
        }
        for request in &self.requests {
            text.push(match request {
                Request::Runs(_) => 0,
                Request::Answered(_) => 1,
                Request::Broken => 2,
                Request::Left(_) => 3,
            });
        }
        text
    }

    /// What each request waits at: the same wherever the state is.
    pub(crate) fn calls(&self) -> Vec<u8> {
        let mut text = Vec::new();
        for index in 0..self.requests.len() {
            if let Some(call) = self.scene.storage.waiting(index) {
                text.push(u8::try_from(index).unwrap());
                put_time(&mut text, call.now);
                self.names.put_call(&mut text, &call.operation);
            }
        }
        text
    }

    /// How it has ended.
    pub(crate) fn outcome(&self) -> Vec<u8> {
        let mut text = Vec::new();
        put_time(&mut text, self.now());
        self.names
            .put_records(&mut text, &self.scene.storage.records(self.now()));
        for request in &self.requests {
            let Request::Answered(answered) = request else {
                text.push(0);
                continue;
            };
            text.extend([1, u8::from(answered.found), u8::from(answered.done)]);
            text.push(match &answered.end {
                Ok(said) => u8::try_from(format!("{said:?}").len()).unwrap(),
                Err(_) => 0,
            });
            self.names.put_client(&mut text, &answered.client);
        }
        text
    }

    pub(crate) fn answered(&self) -> impl Iterator<Item = &Answered> {
        self.requests.iter().filter_map(|request| match request {
            Request::Answered(answered) => Some(answered),
            Request::Runs(_) | Request::Broken | Request::Left(_) => None,
        })
    }

    /// What the requests were to do that nobody was told the end of.
    pub(crate) fn broken(&self) -> impl Iterator<Item = Does> {
        let all = self.requests.iter().zip(self.does);
        all.filter(|(request, _)| matches!(request, Request::Broken | Request::Left(_)))
            .map(|(_, does)| *does)
    }
}
