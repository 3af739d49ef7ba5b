//! The probe as a `Deserializer`: which call is of which kind.

use serde::{
    Deserializer,
    de::{
        Visitor,
        value::{MapDeserializer, SeqDeserializer},
    },
};

use super::{
    probe::{Probe, Refused},
    samples::{BYTE_LENGTHS, CHARS, FLOATS, INTEGERS, STRINGS, ZEROS},
};

macro_rules! numbers {
    ($($method:ident $visit:ident $type:ident)*) => {
        $(fn $method<V: Visitor<'static>>(self, visitor: V) -> Result<V::Value, Refused> {
            self.leaf(stringify!($type), INTEGERS.len(), visitor, |visitor, sample| {
                visitor.$visit($type::try_from(INTEGERS[sample]).unwrap_or(1))
            })
        })*
    };
}

impl Deserializer<'static> for Probe<'_> {
    type Error = Refused;

    numbers! {
        deserialize_i8 visit_i8 i8
        deserialize_i16 visit_i16 i16
        deserialize_i32 visit_i32 i32
        deserialize_i64 visit_i64 i64
        deserialize_i128 visit_i128 i128
        deserialize_u8 visit_u8 u8
        deserialize_u16 visit_u16 u16
        deserialize_u32 visit_u32 u32
        deserialize_u64 visit_u64 u64
        deserialize_u128 visit_u128 u128
    }

    fn deserialize_bool<V: Visitor<'static>>(self, visitor: V) -> Result<V::Value, Refused> {
        self.leaf("bool", 2, visitor, |visitor, sample| {
            visitor.visit_bool(sample == 1)
        })
    }

    fn deserialize_f32<V: Visitor<'static>>(self, visitor: V) -> Result<V::Value, Refused> {
        self.leaf("f32", FLOATS.len(), visitor, |visitor, sample| {
            visitor.visit_f32(FLOATS[sample])
        })
    }

    fn deserialize_f64<V: Visitor<'static>>(self, visitor: V) -> Result<V::Value, Refused> {
        self.leaf("f64", FLOATS.len(), visitor, |visitor, sample| {
            visitor.visit_f64(FLOATS[sample].into())
        })
    }

    fn deserialize_char<V: Visitor<'static>>(self, visitor: V) -> Result<V::Value, Refused> {
        self.leaf("char", CHARS.len(), visitor, |visitor, sample| {
            visitor.visit_char(CHARS[sample])
        })
    }

    fn deserialize_str<V: Visitor<'static>>(self, visitor: V) -> Result<V::Value, Refused> {
        self.leaf("str", STRINGS.len(), visitor, |visitor, sample| {
            visitor.visit_borrowed_str(STRINGS[sample])
        })
    }

    fn deserialize_string<V: Visitor<'static>>(self, visitor: V) -> Result<V::Value, Refused> {
        self.deserialize_str(visitor)
    }

    fn deserialize_bytes<V: Visitor<'static>>(self, visitor: V) -> Result<V::Value, Refused> {
        self.leaf("bytes", BYTE_LENGTHS.len(), visitor, |visitor, sample| {
            visitor.visit_borrowed_bytes(&ZEROS[..BYTE_LENGTHS[sample]])
        })
    }

    fn deserialize_byte_buf<V: Visitor<'static>>(self, visitor: V) -> Result<V::Value, Refused> {
        self.deserialize_bytes(visitor)
    }

    fn deserialize_unit<V: Visitor<'static>>(self, visitor: V) -> Result<V::Value, Refused> {
        self.leaf("unit", 1, visitor, |visitor, _| visitor.visit_unit())
    }

    fn deserialize_unit_struct<V: Visitor<'static>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Refused> {
        self.deserialize_unit(visitor)
    }

    /// One of each kind, and more text, since that is what most formats hand over.
    fn deserialize_any<V: Visitor<'static>>(self, visitor: V) -> Result<V::Value, Refused> {
        self.leaf(
            "any",
            8 + STRINGS.len(),
            visitor,
            |visitor, sample| match sample {
                0 => visitor.visit_unit(),
                1 => visitor.visit_bool(false),
                2 => visitor.visit_u64(1),
                3 => visitor.visit_i64(-1),
                4 => visitor.visit_f64(0.5),
                5 => visitor.visit_seq(SeqDeserializer::new(std::iter::empty::<u8>())),
                6 => visitor.visit_map(MapDeserializer::new(std::iter::empty::<(u8, u8)>())),
                7 => visitor.visit_borrowed_bytes(&ZEROS),
                sample => visitor.visit_borrowed_str(STRINGS[sample - 8]),
            },
        )
    }

    fn deserialize_ignored_any<V: Visitor<'static>>(self, visitor: V) -> Result<V::Value, Refused> {
        self.leaf("ignored", 1, visitor, |visitor, _| visitor.visit_unit())
    }

    /// The key of a map whose fields are not known beforehand.
    fn deserialize_identifier<V: Visitor<'static>>(self, visitor: V) -> Result<V::Value, Refused> {
        self.deserialize_str(visitor)
    }

    fn deserialize_option<V: Visitor<'static>>(self, visitor: V) -> Result<V::Value, Refused> {
        self.option(visitor)
    }

    fn deserialize_seq<V: Visitor<'static>>(self, visitor: V) -> Result<V::Value, Refused> {
        self.elements(None, visitor)
    }

    fn deserialize_tuple<V: Visitor<'static>>(self, len: usize, visitor: V) -> Result<V::Value, Refused> {
        self.elements(Some(len), visitor)
    }

    fn deserialize_map<V: Visitor<'static>>(self, visitor: V) -> Result<V::Value, Refused> {
        self.map(visitor)
    }

    fn deserialize_newtype_struct<V: Visitor<'static>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Refused> {
        self.named_type::<V>(&[], |probe| probe.newtype(visitor))
    }

    fn deserialize_tuple_struct<V: Visitor<'static>>(
        self,
        _name: &'static str,
        len: usize,
        visitor: V,
    ) -> Result<V::Value, Refused> {
        self.named_type::<V>(&[], |probe| probe.elements(Some(len), visitor))
    }

    fn deserialize_struct<V: Visitor<'static>>(
        self,
        _name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Refused> {
        self.named_type::<V>(fields, |probe| probe.fields(fields, visitor))
    }

    fn deserialize_enum<V: Visitor<'static>>(
        self,
        _name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Refused> {
        self.named_type::<V>(variants, |probe| probe.variants(variants, visitor))
    }

    fn is_human_readable(&self) -> bool {
        self.tracer.human_readable
    }
}
