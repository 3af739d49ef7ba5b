//! Runs a type's `Deserialize` until every part of it has been seen.

use std::any::type_name;

use serde::de::{DeserializeOwned, DeserializeSeed};

use super::{
    encode::encode,
    node::{Field, Id, Kind, Node, State, Variant},
    probe::{Probe, Refused},
};

/// More values than there are samples of any one kind.
pub(super) const MAX_REFUSALS: usize = 48;
/// Deeper than any session is nested.
const MAX_DEPTH: usize = 96;
/// Some milliseconds' worth; an enum of a thousand variants takes a few thousand.
const MAX_STEPS: usize = 1 << 17;

const ROOT: Id = 0;

/// The tree that is known so far, and where the present run is in it.
///
/// One run of `Deserialize` sees one variant of each enum, and ends at the first value that is refused; so it is run
/// again and again, each time with something else at the places that are still open.
#[derive(Debug)]
pub(super) struct Tracer {
    nodes: Vec<Node>,
    /// The named types that enclose the present place.
    enclosing: Vec<(Id, Identity)>,
    root_name: &'static str,
    pub(super) human_readable: bool,
    pub(super) runs: usize,
    /// The refusals of all that encloses the present place: each asks for other values.
    pub(super) shift: usize,
    depth: usize,
    steps: usize,
    /// How many refusals have found their node: an error that raised this below is not one's own.
    pub(super) blames: usize,
    /// Changes with everything that is learnt.
    learnt: usize,
    widest_enum: usize,
}

/// What tells one named type from another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Identity {
    pub(super) type_name: &'static str,
    pub(super) parts: &'static [&'static str],
}

impl Tracer {
    pub(super) fn trace<T: DeserializeOwned>(human_readable: bool) -> Vec<u8> {
        let mut tracer = Self {
            nodes: vec![Node::new()],
            enclosing: Vec::new(),
            root_name: type_name::<T>(),
            human_readable,
            runs: 0,
            shift: 0,
            depth: 0,
            steps: 0,
            blames: 0,
            learnt: 0,
            widest_enum: 0,
        };
        let mut idle = 0;
        while tracer.nodes[ROOT].state == State::Open
            && tracer.steps < MAX_STEPS
            && idle <= tracer.widest_enum + 1
        {
            let before = tracer.learnt;
            let produce = false;
            // The value, and whether there is one, is of no interest: the nodes have it all.
            drop(tracer.enter(ROOT, "", |tracer| {
                T::deserialize(Probe {
                    tracer,
                    node: ROOT,
                    produce,
                })
            }));
            tracer.runs += 1;
            idle = if tracer.learnt == before { idle + 1 } else { 0 };
        }
        let mut out = Vec::new();
        encode(&tracer.nodes, ROOT, &mut Vec::new(), &mut out);
        out
    }

    pub(super) fn node(&mut self, id: Id) -> &mut Node {
        &mut self.nodes[id]
    }

    pub(super) fn state(&self, id: Id) -> State {
        self.nodes[id].state
    }

    pub(super) fn name(&mut self, id: Id, type_name: &'static str) {
        if self.nodes[id].type_name.is_empty() && !mentions(type_name, self.root_name) {
            self.nodes[id].type_name = type_name;
        }
    }

    pub(super) fn add(&mut self) -> Id {
        self.learnt += 1;
        self.nodes.push(Node::new());
        self.nodes.len() - 1
    }

    /// Reads what is at `node` with the caller's seed.
    pub(super) fn read<S: DeserializeSeed<'static>>(
        &mut self,
        node: Id,
        produce: bool,
        seed: S,
    ) -> Result<S::Value, Refused> {
        self.enter(node, type_name::<S::Value>(), |tracer| {
            seed.deserialize(Probe {
                tracer,
                node,
                produce,
            })
        })
    }

    /// Runs what reads `node`, and learns from the outcome.
    pub(super) fn enter<R>(
        &mut self,
        node: Id,
        type_name: &'static str,
        run: impl FnOnce(&mut Self) -> Result<R, Refused>,
    ) -> Result<R, Refused> {
        self.steps += 1;
        self.name(node, type_name);
        if self.steps > MAX_STEPS || self.depth > MAX_DEPTH || self.nodes[node].state == State::Barren {
            return Err(self.blame());
        }
        let (shift, blames) = (self.shift, self.blames);
        self.shift += self.nodes[node].refusals;
        self.depth += 1;
        let result = run(self);
        self.depth -= 1;
        self.shift = shift;
        if result.is_err() && self.blames == blames {
            self.nodes[node].refusals += 1;
            if self.nodes[node].refusals > MAX_REFUSALS + self.widest_enum {
                self.close(node, State::Barren);
            }
            self.blame();
            self.learnt += 1;
        }
        self.settle(node, result.is_ok());
        result
    }

    /// Runs what reads the named type at `node`; inside itself it is not traced again, only made.
    pub(super) fn enter_type<R>(
        &mut self,
        node: Id,
        identity: Identity,
        produce: bool,
        run: impl FnOnce(&mut Self, Id, bool) -> Result<R, Refused>,
    ) -> Result<R, Refused> {
        let same = self
            .enclosing
            .iter()
            .position(|(id, other)| *id != node && *other == identity);
        let (place, depth) = match same {
            Some(depth) => (self.enclosing[depth].0, depth),
            None => (node, self.enclosing.len()),
        };
        if same.is_some() {
            self.nodes[node].kind = Kind::Back(place);
        }
        // What is first seen on the way back in is enclosed by what encloses `place`, by nothing further in.
        let inner = self.enclosing.split_off(depth);
        self.enclosing.push((place, identity));
        let result = run(self, place, produce || same.is_some());
        self.enclosing.truncate(depth);
        self.enclosing.extend(inner);
        result
    }

    /// An error whose cause is known.
    pub(super) fn blame(&mut self) -> Refused {
        self.blames += 1;
        Refused::Value
    }

    /// As [`blame`](Self::blame), where something has changed for the next run.
    pub(super) fn blame_and_learn(&mut self) -> Refused {
        self.learnt += 1;
        self.blame()
    }

    pub(super) fn close(&mut self, node: Id, state: State) {
        self.nodes[node].state = state;
        self.learnt += 1;
    }

    /// The node of an element; elements are asked for in order.
    pub(super) fn element(&mut self, node: Id, index: usize) -> Id {
        if let Kind::Elements { children, .. } = &self.nodes[node].kind
            && let Some(child) = children.get(index)
        {
            return *child;
        }
        let child = self.add();
        if let Kind::Elements { children, .. } = &mut self.nodes[node].kind {
            children.push(child);
        }
        child
    }

    pub(super) fn fields(&mut self, names: &[&'static str]) -> Vec<Field> {
        names
            .iter()
            .map(|name| Field {
                name,
                node: self.add(),
                alias: false,
                own: false,
            })
            .collect()
    }

    /// The field that stands `offset` behind the `first` one, and its index; round the corner, but only once.
    pub(super) fn field(&self, node: Id, first: usize, offset: usize) -> Option<(usize, Field)> {
        match &self.nodes[node].kind {
            Kind::Struct { fields, .. } if offset < fields.len() => {
                let index = (first + offset) % fields.len();
                Some((index, fields[index]))
            }
            _ => None,
        }
    }

    /// A variant for this run, and its index: one that is not seen through; or one that can be made, where all is
    /// `seen`, the simplest of them where any value will do.
    pub(super) fn choose(&mut self, node: Id, seen: bool, produce: bool) -> Option<(usize, Variant)> {
        let Kind::Enum { variants, good, next } = &self.nodes[node].kind else {
            return None;
        };
        let open = (0..variants.len())
            .map(|offset| (*next + offset) % variants.len())
            .find(|index| self.state(variants[*index].payload) == State::Open);
        let index = match open {
            Some(index) if !seen || good.is_empty() => index,
            _ if produce => *good.first()?,
            _ => *good.get(self.shift % good.len().max(1))?,
        };
        let variant = variants[index];
        if let Kind::Enum { next, .. } = &mut self.nodes[node].kind {
            *next = index + 1;
        }
        Some((index, variant))
    }

    pub(super) fn found_good(&mut self, node: Id, index: usize) {
        if let Kind::Enum { good, .. } = &mut self.nodes[node].kind
            && !good.contains(&index)
        {
            good.push(index);
            self.learnt += 1;
        }
    }

    pub(super) fn variants(&mut self, names: &[&'static str]) -> Vec<Variant> {
        self.widest_enum = self.widest_enum.max(names.len());
        names
            .iter()
            .map(|name| Variant {
                name,
                payload: self.add(),
            })
            .collect()
    }

    /// Closes `node` if nothing is left to try.
    fn settle(&mut self, node: Id, ok: bool) {
        if self.nodes[node].state != State::Open {
            return;
        }
        let is = |id: &Id, state| self.nodes[*id].state == state;
        let open = |id: &Id| is(id, State::Open);
        let barren = |id: &Id| is(id, State::Barren);
        let (left, hopeless) = match &self.nodes[node].kind {
            Kind::Unseen | Kind::Leaf { .. } | Kind::Back(_) => (false, false),
            Kind::Option(child) => (open(child), false),
            Kind::Newtype(child) => (open(child), barren(child)),
            Kind::Map(key, value) => ((open(key) || open(value)) && !barren(key), false),
            Kind::Elements { len, children } => (
                children.iter().any(open),
                len.is_some() && children.iter().any(barren),
            ),
            Kind::Struct { fields, by_position } => {
                let mut read = fields
                    .iter()
                    .filter(|field| !field.alias)
                    .map(|field| &field.node);
                (read.clone().any(open), *by_position && read.any(barren))
            }
            Kind::Enum { variants, good, .. } => {
                let open = variants.iter().any(|variant| open(&variant.payload));
                (open, !open && good.is_empty())
            }
        };
        if ok && !left {
            self.close(node, State::Known);
        } else if !ok && hopeless {
            self.close(node, State::Barren);
        }
    }
}

/// Whether the type `inner` is part of the type `outer`, by their names. The root's own name may change, and with it
/// would all that mention it.
fn mentions(outer: &str, inner: &str) -> bool {
    let goes_on = |c: char| c.is_alphanumeric() || c == '_' || c == ':';
    outer
        .match_indices(inner)
        .any(|(at, _)| !outer[..at].ends_with(goes_on) && !outer[at + inner.len()..].starts_with(goes_on))
}
