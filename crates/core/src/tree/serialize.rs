//! Makes the tree of a value, or finds what the value has at one path.

use std::collections::BTreeMap;

use serde::Serialize;
use serde::ser::{
    Error as _, SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant,
    SerializeTuple, SerializeTupleStruct, SerializeTupleVariant, Serializer,
};
use serde_json::Error;

use super::shape::Shapes;
use super::{Lookup, Tree, index};

/// Returns what `value` has at `path`. Values beside the path are not looked at. `shapes` learns of each struct and
/// variant on the way.
pub(super) fn build<T: Serialize + ?Sized>(
    value: &T,
    path: &[String],
    shapes: Option<&Shapes>,
) -> Result<Lookup, Error> {
    value.serialize(Builder { path, shapes })
}

/// The origin of the keys of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Keys {
    /// They are fields of a struct: the type decides which there are.
    Fixed,
    /// They are entries of a map: the data decides which there are.
    Data,
}

#[derive(Clone, Copy)]
struct Builder<'a> {
    /// The rest of the path.
    path: &'a [String],
    shapes: Option<&'a Shapes>,
}

const MISSING: Lookup = Lookup::Missing { may_come: false };

impl<'a> Builder<'a> {
    fn leaf(self, tree: Tree) -> Result<Lookup, Error> {
        match self.path.is_empty() {
            true => Ok(Lookup::Found(tree)),
            false => Ok(MISSING),
        }
    }

    fn number(self, number: &impl ToString) -> Result<Lookup, Error> {
        self.leaf(Tree::Number(number.to_string()))
    }

    /// Returns a builder for the child of this name; `None` if the path leads elsewhere.
    fn child(self, name: &str) -> Option<Self> {
        match self.path.split_first() {
            None => Some(self),
            Some((first, path)) if first == name => Some(Self { path, ..self }),
            Some(_) => None,
        }
    }

    fn list(self, variant: Option<&'static str>) -> ListBuilder<'a> {
        let inner = match variant {
            None => Some(self),
            Some(variant) => self.child(variant),
        };
        ListBuilder {
            outer: self,
            inner,
            variant,
            items: Vec::new(),
            seen: 0,
            found: None,
        }
    }

    fn object(
        self,
        keys: Keys,
        name: &'static str,
        variant: Option<&'static str>,
    ) -> ObjectBuilder<'a> {
        let inner = match variant {
            None => Some(self),
            Some(variant) => self.child(variant),
        };
        ObjectBuilder {
            outer: self,
            inner,
            keys,
            name,
            variant,
            entries: BTreeMap::new(),
            fields: Vec::new(),
            key: None,
            found: None,
        }
    }

    /// Returns the content of a variant as seen from outside the variant.
    fn wrap(self, variant: Option<&'static str>, content: Lookup) -> Lookup {
        match (variant, content) {
            (Some(variant), Lookup::Found(tree)) if self.path.is_empty() => {
                let entries = BTreeMap::from([(variant.to_owned(), tree)]);
                Lookup::Found(Tree::Object(entries))
            }
            (_, content) => content,
        }
    }

    fn tell(self, name: &str, variant: Option<&str>, fields: &[&str]) {
        if let Some(shapes) = self.shapes {
            shapes.met(name, variant, fields);
        }
    }
}

impl<'a> Serializer for Builder<'a> {
    type Ok = Lookup;
    type Error = Error;
    type SerializeSeq = ListBuilder<'a>;
    type SerializeTuple = ListBuilder<'a>;
    type SerializeTupleStruct = ListBuilder<'a>;
    type SerializeTupleVariant = ListBuilder<'a>;
    type SerializeMap = ObjectBuilder<'a>;
    type SerializeStruct = ObjectBuilder<'a>;
    type SerializeStructVariant = ObjectBuilder<'a>;

    fn serialize_bool(self, value: bool) -> Result<Lookup, Error> {
        self.leaf(Tree::Bool(value))
    }

    fn serialize_i8(self, value: i8) -> Result<Lookup, Error> {
        self.number(&value)
    }

    fn serialize_i16(self, value: i16) -> Result<Lookup, Error> {
        self.number(&value)
    }

    fn serialize_i32(self, value: i32) -> Result<Lookup, Error> {
        self.number(&value)
    }

    fn serialize_i64(self, value: i64) -> Result<Lookup, Error> {
        self.number(&value)
    }

    fn serialize_i128(self, value: i128) -> Result<Lookup, Error> {
        self.number(&value)
    }

    fn serialize_u8(self, value: u8) -> Result<Lookup, Error> {
        self.number(&value)
    }

    fn serialize_u16(self, value: u16) -> Result<Lookup, Error> {
        self.number(&value)
    }

    fn serialize_u32(self, value: u32) -> Result<Lookup, Error> {
        self.number(&value)
    }

    fn serialize_u64(self, value: u64) -> Result<Lookup, Error> {
        self.number(&value)
    }

    fn serialize_u128(self, value: u128) -> Result<Lookup, Error> {
        self.number(&value)
    }

    fn serialize_f32(self, value: f32) -> Result<Lookup, Error> {
        self.leaf(Tree::Number(float(value.is_finite(), &value)?))
    }

    fn serialize_f64(self, value: f64) -> Result<Lookup, Error> {
        self.leaf(Tree::Number(float(value.is_finite(), &value)?))
    }

    fn serialize_char(self, value: char) -> Result<Lookup, Error> {
        self.leaf(Tree::Text(value.to_string()))
    }

    fn serialize_str(self, value: &str) -> Result<Lookup, Error> {
        self.leaf(Tree::Text(value.to_owned()))
    }

    fn serialize_bytes(self, value: &[u8]) -> Result<Lookup, Error> {
        self.collect_seq(value)
    }

    fn serialize_none(self) -> Result<Lookup, Error> {
        self.leaf(Tree::Null)
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<Lookup, Error> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<Lookup, Error> {
        self.leaf(Tree::Null)
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<Lookup, Error> {
        self.leaf(Tree::Null)
    }

    fn serialize_unit_variant(
        self,
        name: &'static str,
        _: u32,
        variant: &'static str,
    ) -> Result<Lookup, Error> {
        self.tell(name, Some(variant), &[]);
        self.leaf(Tree::Text(variant.to_owned()))
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<Lookup, Error> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<Lookup, Error> {
        self.tell(name, Some(variant), &["0"]);
        match self.child(variant) {
            Some(inner) => Ok(self.wrap(Some(variant), value.serialize(inner)?)),
            None => Ok(MISSING),
        }
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<ListBuilder<'a>, Error> {
        Ok(self.list(None))
    }

    fn serialize_tuple(self, _: usize) -> Result<ListBuilder<'a>, Error> {
        Ok(self.list(None))
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<ListBuilder<'a>, Error> {
        Ok(self.list(None))
    }

    fn serialize_tuple_variant(
        self,
        name: &'static str,
        _: u32,
        variant: &'static str,
        length: usize,
    ) -> Result<ListBuilder<'a>, Error> {
        self.tell(name, Some(variant), &[&length.to_string()]);
        Ok(self.list(Some(variant)))
    }

    /// `flatten` writes a struct as a map of unknown length; real maps know their length.
    fn serialize_map(self, length: Option<usize>) -> Result<ObjectBuilder<'a>, Error> {
        let keys = length.map_or(Keys::Fixed, |_| Keys::Data);
        Ok(self.object(keys, "", None))
    }

    fn serialize_struct(self, name: &'static str, _: usize) -> Result<ObjectBuilder<'a>, Error> {
        Ok(self.object(Keys::Fixed, name, None))
    }

    fn serialize_struct_variant(
        self,
        name: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<ObjectBuilder<'a>, Error> {
        Ok(self.object(Keys::Fixed, name, Some(variant)))
    }
}

/// Writes a number as JSON does: the shortest text that reads back as the same bits.
fn float<T: Serialize + ToString>(is_finite: bool, value: &T) -> Result<String, Error> {
    match is_finite {
        true => serde_json::to_string(value),
        false => Ok(value.to_string()),
    }
}

/// The elements of a list, or the content of a variant.
struct ListBuilder<'a> {
    outer: Builder<'a>,
    /// `None` if the path leads elsewhere.
    inner: Option<Builder<'a>>,
    variant: Option<&'static str>,
    items: Vec<Tree>,
    seen: usize,
    /// The value that was found at the path.
    found: Option<Lookup>,
}

impl ListBuilder<'_> {
    fn item<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        let at = self.seen;
        self.seen += 1;
        let Some(inner) = self.inner else {
            return Ok(());
        };
        match inner.path.split_first() {
            None => {
                if let Lookup::Found(tree) = value.serialize(inner)? {
                    self.items.push(tree);
                }
            }
            Some((first, path)) if index(first) == Some(at) => {
                self.found = Some(value.serialize(Builder { path, ..inner })?);
            }
            Some(_) => {}
        }
        Ok(())
    }

    fn finish(self) -> Result<Lookup, Error> {
        let content = match self.inner {
            Some(inner) if inner.path.is_empty() => Lookup::Found(Tree::List(self.items)),
            _ => self.found.unwrap_or(MISSING),
        };
        Ok(self.outer.wrap(self.variant, content))
    }
}

macro_rules! list {
    ($($compound:ident $element:ident),*) => {$(
        impl $compound for ListBuilder<'_> {
            type Ok = Lookup;
            type Error = Error;

            fn $element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
                self.item(value)
            }

            fn end(self) -> Result<Lookup, Error> {
                self.finish()
            }
        }
    )*};
}

list!(
    SerializeSeq serialize_element, SerializeTuple serialize_element,
    SerializeTupleStruct serialize_field, SerializeTupleVariant serialize_field
);

/// The entries of a map, the fields of a struct, or the content of a variant.
struct ObjectBuilder<'a> {
    outer: Builder<'a>,
    /// `None` if the path leads elsewhere.
    inner: Option<Builder<'a>>,
    keys: Keys,
    name: &'static str,
    variant: Option<&'static str>,
    entries: BTreeMap<String, Tree>,
    /// The fields of a struct, including those that it left out.
    fields: Vec<&'static str>,
    /// The key of the entry whose value comes next.
    key: Option<String>,
    /// The value that was found at the path.
    found: Option<Lookup>,
}

impl ObjectBuilder<'_> {
    fn entry<T: Serialize + ?Sized>(&mut self, key: String, value: &T) -> Result<(), Error> {
        let Some(inner) = self.inner else {
            return Ok(());
        };
        let is_whole = inner.path.is_empty();
        let Some(child) = inner.child(&key) else {
            return Ok(());
        };
        match value.serialize(child)? {
            Lookup::Found(tree) if is_whole => drop(self.entries.insert(key, tree)),
            found => self.found = Some(found),
        }
        Ok(())
    }

    fn field<T: Serialize + ?Sized>(&mut self, key: &'static str, value: &T) -> Result<(), Error> {
        self.fields.push(key);
        // The key is made only if it is needed.
        match self.inner {
            Some(inner) if inner.child(key).is_some() => self.entry(key.to_owned(), value),
            _ => Ok(()),
        }
    }

    fn finish(self) -> Result<Lookup, Error> {
        if !self.name.is_empty() {
            self.outer.tell(self.name, self.variant, &self.fields);
        }
        let content = match self.inner {
            Some(inner) if inner.path.is_empty() => Lookup::Found(Tree::Object(self.entries)),
            Some(inner) => self.found.unwrap_or(Lookup::Missing {
                may_come: self.keys == Keys::Data && inner.path.len() == 1,
            }),
            None => MISSING,
        };
        Ok(self.outer.wrap(self.variant, content))
    }
}

impl SerializeMap for ObjectBuilder<'_> {
    type Ok = Lookup;
    type Error = Error;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Error> {
        self.key = Some(key_text(key)?);
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        let key = self.key.take();
        let key = key.ok_or_else(|| Error::custom("a map gives a value before its key"))?;
        self.entry(key, value)
    }

    fn end(self) -> Result<Lookup, Error> {
        self.finish()
    }
}

fn key_text<T: Serialize + ?Sized>(key: &T) -> Result<String, Error> {
    match Tree::of(key)? {
        Tree::Text(text) => Ok(text),
        other => Ok(other.to_string()),
    }
}

macro_rules! object {
    ($($compound:ident),*) => {$(
        impl $compound for ObjectBuilder<'_> {
            type Ok = Lookup;
            type Error = Error;

            fn serialize_field<T: Serialize + ?Sized>(
                &mut self,
                key: &'static str,
                value: &T,
            ) -> Result<(), Error> {
                self.field(key, value)
            }

            fn skip_field(&mut self, key: &'static str) -> Result<(), Error> {
                self.fields.push(key);
                Ok(())
            }

            fn end(self) -> Result<Lookup, Error> {
                self.finish()
            }
        }
    )*};
}

object!(SerializeStruct, SerializeStructVariant);
