//! What the probe hands to a visitor of parts.

use serde::de::{
    DeserializeSeed, EnumAccess, MapAccess, SeqAccess, VariantAccess, Visitor, value::BorrowedStrDeserializer,
};

use super::{
    node::{Field, Id, State},
    probe::{Probe, Refused},
    tracer::Tracer,
};

/// The elements of a sequence or tuple.
pub(super) struct Elements<'t> {
    pub(super) tracer: &'t mut Tracer,
    pub(super) node: Id,
    pub(super) produce: bool,
    pub(super) index: usize,
    pub(super) len: usize,
}

impl SeqAccess<'static> for Elements<'_> {
    type Error = Refused;

    fn next_element_seed<S: DeserializeSeed<'static>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, Refused> {
        if self.index == self.len {
            return Ok(None);
        }
        let child = self.tracer.element(self.node, self.index);
        self.index += 1;
        self.tracer.read(child, self.produce, seed).map(Some)
    }
}

/// The entries of a map.
pub(super) struct Entries<'t> {
    pub(super) tracer: &'t mut Tracer,
    pub(super) key: Id,
    pub(super) value: Id,
    pub(super) produce: bool,
    pub(super) left: usize,
}

impl MapAccess<'static> for Entries<'_> {
    type Error = Refused;

    fn next_key_seed<S: DeserializeSeed<'static>>(&mut self, seed: S) -> Result<Option<S::Value>, Refused> {
        if self.left == 0 {
            return Ok(None);
        }
        self.left -= 1;
        self.tracer.read(self.key, self.produce, seed).map(Some)
    }

    fn next_value_seed<S: DeserializeSeed<'static>>(&mut self, seed: S) -> Result<S::Value, Refused> {
        self.tracer.read(self.value, self.produce, seed)
    }
}

/// The fields of a struct. By name wherever the visitor takes names: then one that no value is found for hides none
/// of the others.
pub(super) struct Fields<'t> {
    pub(super) tracer: &'t mut Tracer,
    pub(super) node: Id,
    pub(super) produce: bool,
    /// The field to begin with: another one in each run, so that none always stands behind one that fails.
    pub(super) first: usize,
    pub(super) given: usize,
    pub(super) len: usize,
    /// Whether the visitor asked for anything.
    pub(super) asked: bool,
    /// The field whose name was given, but not its value.
    pub(super) unread: Option<usize>,
}

impl Fields<'_> {
    /// The next field, and whether it is the turn of those whose own names are known.
    fn next(&self) -> Option<(usize, Field, bool)> {
        let own = self.given < self.len;
        let offset = if own { self.given } else { self.given - self.len };
        let (index, field) = self.tracer.field(self.node, self.first, offset)?;
        Some((index, field, own))
    }
}

impl MapAccess<'static> for &mut Fields<'_> {
    type Error = Refused;

    fn next_key_seed<S: DeserializeSeed<'static>>(&mut self, seed: S) -> Result<Option<S::Value>, Refused> {
        self.asked = true;
        // Own names first, so that it is an alias of theirs that comes second and is refused.
        while let Some((index, field, own)) = self.next() {
            self.given += 1;
            if field.own == own && !field.alias && self.tracer.state(field.node) != State::Barren {
                self.unread = Some(index);
                return seed
                    .deserialize(BorrowedStrDeserializer::new(field.name))
                    .map(Some);
            }
        }
        Ok(None)
    }

    fn next_value_seed<S: DeserializeSeed<'static>>(&mut self, seed: S) -> Result<S::Value, Refused> {
        let index = self.unread.take().ok_or(Refused::Value)?;
        let (_, field) = self.tracer.field(self.node, index, 0).ok_or(Refused::Value)?;
        self.tracer.read(field.node, self.produce, seed)
    }
}

impl SeqAccess<'static> for &mut Fields<'_> {
    type Error = Refused;

    fn next_element_seed<S: DeserializeSeed<'static>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, Refused> {
        let Some((_, field)) = self.tracer.field(self.node, 0, self.given) else {
            return Ok(None);
        };
        self.given += 1;
        self.tracer.read(field.node, self.produce, seed).map(Some)
    }
}

/// One variant of an enum.
pub(super) struct Choice<'t> {
    pub(super) tracer: &'t mut Tracer,
    pub(super) name: &'static str,
    pub(super) payload: Id,
    pub(super) produce: bool,
}

impl Choice<'_> {
    fn probe<V>(self, run: impl FnOnce(Probe<'_>) -> Result<V, Refused>) -> Result<V, Refused> {
        let Self {
            tracer,
            payload,
            produce,
            ..
        } = self;
        tracer.enter(payload, "", |tracer| {
            run(Probe {
                tracer,
                node: payload,
                produce,
            })
        })
    }
}

impl EnumAccess<'static> for Choice<'_> {
    type Error = Refused;
    type Variant = Self;

    fn variant_seed<S: DeserializeSeed<'static>>(self, seed: S) -> Result<(S::Value, Self), Refused> {
        Ok((seed.deserialize(BorrowedStrDeserializer::new(self.name))?, self))
    }
}

impl VariantAccess<'static> for Choice<'_> {
    type Error = Refused;

    fn unit_variant(self) -> Result<(), Refused> {
        self.probe(|probe| probe.unit())
    }

    fn newtype_variant_seed<S: DeserializeSeed<'static>>(self, seed: S) -> Result<S::Value, Refused> {
        let Self {
            tracer,
            payload,
            produce,
            ..
        } = self;
        tracer.read(payload, produce, seed)
    }

    fn tuple_variant<V: Visitor<'static>>(self, len: usize, visitor: V) -> Result<V::Value, Refused> {
        self.probe(|probe| probe.elements(Some(len), visitor))
    }

    fn struct_variant<V: Visitor<'static>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Refused> {
        self.probe(|probe| probe.fields(fields, visitor))
    }
}
