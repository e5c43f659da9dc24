//! The names of a struct's fields, without a value of it.

use serde::de::{DeserializeOwned, Error as _, Visitor};
use serde::{Deserializer, forward_to_deserialize_any};

/// The field names under which `T` is serialised, or `None` if it is not a struct with fixed fields.
///
/// serde tells a deserializer which fields a struct has before it asks for any. This one listens and refuses.
pub fn field_names<T: DeserializeOwned>() -> Option<&'static [&'static str]> {
    let mut names = None;
    let refused = T::deserialize(Listener { names: &mut names });
    debug_assert!(refused.is_err() || names.is_none());
    names
}

struct Listener<'a> {
    names: &'a mut Option<&'static [&'static str]>,
}

impl<'de> Deserializer<'de> for Listener<'_> {
    type Error = serde::de::value::Error;

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        _: V,
    ) -> Result<V::Value, Self::Error> {
        *self.names = Some(fields);
        Err(Self::Error::custom("only the names were wanted"))
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Self::Error> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Self::Error> {
        Err(Self::Error::custom("not a struct"))
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit
        unit_struct seq tuple tuple_struct map enum identifier ignored_any
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;

    #[test]
    fn a_struct_tells_its_fields_even_those_it_may_leave_out() {
        #[derive(Deserialize)]
        #[allow(dead_code, reason = "only its names are asked for")]
        struct Order {
            #[serde(default)]
            note: Option<String>,
            #[serde(rename = "shipTo")]
            ship_to: String,
        }
        #[derive(Deserialize)]
        #[allow(dead_code, reason = "only its names are asked for")]
        struct Wrapped(Order);
        assert_eq!(field_names::<Order>(), Some(&["note", "shipTo"][..]));
        assert_eq!(field_names::<Wrapped>(), Some(&["note", "shipTo"][..]));
    }

    #[test]
    fn other_types_have_none() {
        assert_eq!(field_names::<u64>(), None);
        assert_eq!(
            field_names::<std::collections::BTreeMap<String, u64>>(),
            None
        );
    }
}
