//! How each kind of call is answered with a made-up value, and noted.

use std::{any::type_name, fmt};

use serde::de::{Error, Visitor};

use super::{
    access::{Choice, Elements, Entries, Fields},
    node::{Id, Kind, State, Variant},
    samples::{KNOWN_LENGTHS, LENGTHS},
    tracer::{Identity, Tracer},
};

/// A made-up value was refused.
#[derive(Debug)]
pub(super) enum Refused {
    Value,
    /// The field with this name of its own was given twice.
    Twice(&'static str),
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a made-up value was refused")
    }
}

impl std::error::Error for Refused {}

impl Error for Refused {
    fn custom<T: fmt::Display>(_: T) -> Self {
        Self::Value
    }

    fn duplicate_field(field: &'static str) -> Self {
        Self::Twice(field)
    }
}

/// Answers for one node.
pub(super) struct Probe<'t> {
    pub(super) tracer: &'t mut Tracer,
    pub(super) node: Id,
    /// Whether any value will do, since everything about it is seen elsewhere.
    pub(super) produce: bool,
}

impl Probe<'_> {
    fn kind(&mut self) -> &mut Kind {
        &mut self.tracer.node(self.node).kind
    }

    /// Whether there is nothing more to see here.
    fn seen(&self) -> bool {
        self.produce || self.tracer.state(self.node) != State::Open
    }

    /// Runs what reads a type that may contain itself.
    pub(super) fn named_type<V: Visitor<'static>>(
        self,
        parts: &'static [&'static str],
        run: impl FnOnce(Probe<'_>) -> Result<V::Value, Refused>,
    ) -> Result<V::Value, Refused> {
        let identity = Identity {
            type_name: type_name::<V::Value>(),
            parts,
        };
        self.tracer
            .enter_type(self.node, identity, self.produce, |tracer, node, produce| {
                run(Probe {
                    tracer,
                    node,
                    produce,
                })
            })
    }

    /// A value without parts: `give` is asked for a sample that was not refused yet.
    pub(super) fn leaf<V: Visitor<'static>>(
        self,
        name: &'static str,
        samples: usize,
        visitor: V,
        give: impl FnOnce(V, usize) -> Result<V::Value, Refused>,
    ) -> Result<V::Value, Refused> {
        let Self { tracer, node, .. } = self;
        tracer.name(node, type_name::<V::Value>());
        let bad = match tracer.node(node).kind {
            Kind::Leaf { name: known, bad } if known == name => bad,
            _ => 0,
        };
        let left: Vec<usize> = (0..samples).filter(|sample| bad & (1 << sample) == 0).collect();
        let Some(&sample) = left.get(tracer.shift % left.len().max(1)) else {
            return Err(tracer.blame());
        };
        tracer.node(node).kind = Kind::Leaf { name, bad };
        let blames = tracer.blames;
        let result = give(visitor, sample);
        if result.is_err() && tracer.blames == blames {
            tracer.node(node).kind = Kind::Leaf {
                name,
                bad: bad | 1 << sample,
            };
            if left.len() == 1 {
                tracer.close(node, State::Barren);
            }
            return Err(tracer.blame_and_learn());
        }
        result
    }

    /// A variant without payload.
    pub(super) fn unit(self) -> Result<(), Refused> {
        self.tracer.node(self.node).kind = Kind::Leaf { name: "unit", bad: 0 };
        Ok(())
    }

    pub(super) fn option<V: Visitor<'static>>(mut self, visitor: V) -> Result<V::Value, Refused> {
        let child = match *self.kind() {
            Kind::Option(child) => child,
            _ => self.tracer.add(),
        };
        *self.kind() = Kind::Option(child);
        let seen = self.seen() || self.tracer.state(child) != State::Open;
        let Self { tracer, produce, .. } = self;
        if produce || seen && (tracer.shift % 2 == 0 || tracer.state(child) == State::Barren) {
            return visitor.visit_none();
        }
        tracer.enter(child, type_name::<V::Value>(), |tracer| {
            visitor.visit_some(Probe {
                tracer,
                node: child,
                produce,
            })
        })
    }

    pub(super) fn newtype<V: Visitor<'static>>(mut self, visitor: V) -> Result<V::Value, Refused> {
        let child = match *self.kind() {
            Kind::Newtype(child) => child,
            _ => self.tracer.add(),
        };
        *self.kind() = Kind::Newtype(child);
        let Self { tracer, produce, .. } = self;
        tracer.enter(child, "", |tracer| {
            visitor.visit_newtype_struct(Probe {
                tracer,
                node: child,
                produce,
            })
        })
    }

    pub(super) fn elements<V: Visitor<'static>>(
        mut self,
        len: Option<usize>,
        visitor: V,
    ) -> Result<V::Value, Refused> {
        if !matches!(self.kind(), Kind::Elements { len: known, .. } if *known == len) {
            // An element that was not asked for yet keeps a sequence open.
            let children = if len.is_none() {
                vec![self.tracer.add()]
            } else {
                Vec::new()
            };
            *self.kind() = Kind::Elements { len, children };
        }
        let first = match self.kind() {
            Kind::Elements { children, .. } => children.first().copied(),
            _ => None,
        };
        let made = first.is_none_or(|first| self.tracer.state(first) != State::Barren);
        let (shift, own) = (self.tracer.shift, self.tracer.node(self.node).refusals);
        let left = match len {
            Some(len) => len,
            None if made && !self.seen() => LENGTHS[own % LENGTHS.len()],
            None if self.produce => KNOWN_LENGTHS[own % KNOWN_LENGTHS.len()],
            None => KNOWN_LENGTHS[shift % KNOWN_LENGTHS.len()],
        };
        let Self {
            tracer,
            node,
            produce,
        } = self;
        visitor.visit_seq(Elements {
            tracer,
            node,
            produce,
            index: 0,
            len: left,
        })
    }

    pub(super) fn map<V: Visitor<'static>>(mut self, visitor: V) -> Result<V::Value, Refused> {
        let (key, value) = match *self.kind() {
            Kind::Map(key, value) => (key, value),
            _ => (self.tracer.add(), self.tracer.add()),
        };
        *self.kind() = Kind::Map(key, value);
        let seen = self.seen()
            || [key, value]
                .iter()
                .any(|id| self.tracer.state(*id) == State::Barren);
        let Self { tracer, produce, .. } = self;
        let lengths = if seen { [0, 1] } else { [1, 0] };
        let left = lengths[tracer.shift % 2];
        visitor.visit_map(Entries {
            tracer,
            key,
            value,
            produce,
            left,
        })
    }

    pub(super) fn fields<V: Visitor<'static>>(
        mut self,
        names: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Refused> {
        if !matches!(self.kind(), Kind::Struct { .. }) {
            let fields = self.tracer.fields(names);
            *self.kind() = Kind::Struct {
                fields,
                by_position: false,
            };
        }
        let by_position = matches!(
            self.kind(),
            Kind::Struct {
                by_position: true,
                ..
            }
        );
        let Self {
            tracer,
            node,
            produce,
        } = self;
        let blames = tracer.blames;
        let first = tracer.runs % names.len().max(1);
        let mut access = Fields {
            tracer,
            node,
            produce,
            first,
            given: 0,
            len: names.len(),
            asked: false,
            unread: None,
        };
        let result = if by_position {
            visitor.visit_seq(&mut access)
        } else {
            visitor.visit_map(&mut access)
        };
        let Fields {
            tracer,
            asked,
            unread,
            ..
        } = access;
        if result.is_ok() || tracer.blames != blames || by_position {
            return result;
        }
        let Kind::Struct { fields, by_position } = &mut tracer.node(node).kind else {
            return result;
        };
        if !asked {
            *by_position = true;
            return Err(tracer.blame_and_learn());
        }
        if let Some(index) = unread {
            // Aliases are given in the order of the alphabet, so that the field's own name may come second.
            match &result {
                Err(Refused::Twice(own)) if *own == fields[index].name => fields[index].own = true,
                _ => fields[index].alias = true,
            }
            return Err(tracer.blame_and_learn());
        }
        // A barren field was left out and is missed; the others are still worth their runs.
        let read: Vec<Id> = fields
            .iter()
            .filter(|field| !field.alias)
            .map(|field| field.node)
            .collect();
        if read.iter().any(|id| tracer.state(*id) == State::Barren) {
            if read.iter().all(|id| tracer.state(*id) != State::Open) {
                tracer.close(node, State::Barren);
            }
            return Err(tracer.blame());
        }
        result
    }

    pub(super) fn variants<V: Visitor<'static>>(
        mut self,
        names: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Refused> {
        if !matches!(self.kind(), Kind::Enum { .. }) {
            let variants = self.tracer.variants(names);
            *self.kind() = Kind::Enum {
                variants,
                good: Vec::new(),
                next: 0,
            };
        }
        let seen = self.seen();
        let Self {
            tracer,
            node,
            produce,
        } = self;
        let Some((index, Variant { name, payload })) = tracer.choose(node, seen, produce) else {
            return Err(tracer.blame());
        };
        let blames = tracer.blames;
        let result = visitor.visit_enum(Choice {
            tracer: &mut *tracer,
            name,
            payload,
            produce,
        });
        if result.is_ok() {
            tracer.found_good(node, index);
        } else if tracer.blames == blames {
            tracer.close(payload, State::Barren);
            return Err(tracer.blame_and_learn());
        }
        result
    }
}
