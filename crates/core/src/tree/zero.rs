//! Searches for negative zeros, which `PartialEq` does not tell from positive ones.

use std::cell::Cell;
use std::fmt::Error;

use serde::Serialize;
use serde::ser::{
    SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant, SerializeTuple,
    SerializeTupleStruct, SerializeTupleVariant, Serializer,
};

/// Returns whether there is one anywhere in `value`. Texts are skipped, so this costs about a nanosecond per field.
pub(crate) fn has_negative_zero<T: Serialize>(value: &T) -> bool {
    let found = Cell::new(false);
    // If a value cannot be serialised, no sign of it would be stored.
    let _unfinished = value.serialize(Search { found: &found });
    found.get()
}

#[derive(Clone, Copy)]
struct Search<'a> {
    found: &'a Cell<bool>,
}

impl Search<'_> {
    fn float(self, is_negative_zero: bool) -> Result<(), Error> {
        self.found.set(self.found.get() || is_negative_zero);
        Ok(())
    }
}

macro_rules! pass_over {
    ($($function:ident $value:ty),*) => {$(
        fn $function(self, _: $value) -> Result<(), Error> {
            Ok(())
        }
    )*};
}

macro_rules! open {
    ($($function:ident($($argument:ty),*)),*) => {$(
        fn $function(self, $(_: $argument),*) -> Result<Self, Error> {
            Ok(self)
        }
    )*};
}

impl Serializer for Search<'_> {
    type Ok = ();
    type Error = Error;
    type SerializeSeq = Self;
    type SerializeTuple = Self;
    type SerializeTupleStruct = Self;
    type SerializeTupleVariant = Self;
    type SerializeMap = Self;
    type SerializeStruct = Self;
    type SerializeStructVariant = Self;

    fn serialize_f32(self, value: f32) -> Result<(), Error> {
        self.float(value == 0.0 && value.is_sign_negative())
    }

    fn serialize_f64(self, value: f64) -> Result<(), Error> {
        self.float(value == 0.0 && value.is_sign_negative())
    }

    pass_over!(
        serialize_bool bool, serialize_char char, serialize_str &str, serialize_bytes &[u8],
        serialize_i8 i8, serialize_i16 i16, serialize_i32 i32, serialize_i64 i64, serialize_i128 i128,
        serialize_u8 u8, serialize_u16 u16, serialize_u32 u32, serialize_u64 u64, serialize_u128 u128,
        serialize_unit_struct &'static str
    );

    fn serialize_none(self) -> Result<(), Error> {
        Ok(())
    }

    fn serialize_unit(self) -> Result<(), Error> {
        Ok(())
    }

    fn serialize_unit_variant(self, _: &'static str, _: u32, _: &'static str) -> Result<(), Error> {
        Ok(())
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), Error> {
        value.serialize(self)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<(), Error> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        value: &T,
    ) -> Result<(), Error> {
        value.serialize(self)
    }

    open!(
        serialize_seq(Option<usize>),
        serialize_tuple(usize),
        serialize_tuple_struct(&'static str, usize),
        serialize_tuple_variant(&'static str, u32, &'static str, usize),
        serialize_map(Option<usize>),
        serialize_struct(&'static str, usize),
        serialize_struct_variant(&'static str, u32, &'static str, usize)
    );
}

macro_rules! search_in {
    ($($compound:ident: $($function:ident($($name:ty)?)),*;)*) => {$(
        impl $compound for Search<'_> {
            type Ok = ();
            type Error = Error;

            $(fn $function<T: Serialize + ?Sized>(&mut self, $(_: $name,)? value: &T) -> Result<(), Error> {
                value.serialize(*self)
            })*

            fn end(self) -> Result<(), Error> {
                Ok(())
            }
        }
    )*};
}

search_in!(
    SerializeSeq: serialize_element();
    SerializeTuple: serialize_element();
    SerializeTupleStruct: serialize_field();
    SerializeTupleVariant: serialize_field();
    SerializeMap: serialize_key(), serialize_value();
    SerializeStruct: serialize_field(&'static str);
    SerializeStructVariant: serialize_field(&'static str);
);
