//! Describes the types that a state is made of, as the state shows them.

use std::cell::RefCell;
use std::collections::BTreeSet;

use serde::Serialize;
use sha2::{Digest, Sha256};

use super::serialize;

/// Tells whether a snapshot was made by types of the same form as today's.
///
/// It is made of each struct and each variant that the state holds, at any depth: its name and the names of its fields,
/// including those that serde leaves out because they are empty. Types that the state does not hold do not count, and
/// cannot be wrong in it. serde does not report fields that are always left out (`skip`), fields that a hand-written
/// `Serialize` leaves out, and empty fields that are left out beside a `flatten`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Shape(pub u64);

impl Shape {
    /// Returns the shape of a state.
    pub fn of<T: Serialize>(state: &T) -> Result<Self, serde_json::Error> {
        let shapes = Shapes::default();
        serialize::build(state, &[], Some(&shapes))?;
        let mut hasher = Sha256::new();
        for met in shapes.0.into_inner() {
            hasher.update(met);
            hasher.update([0]);
        }
        let digest: [u8; 32] = hasher.finalize().into();
        let (first, _) = digest.split_first_chunk().expect("32 bytes");
        Ok(Self(u64::from_be_bytes(*first)))
    }
}

/// The structs and variants that were met.
#[derive(Debug, Default)]
pub(super) struct Shapes(RefCell<BTreeSet<String>>);

impl Shapes {
    /// Records a struct or a variant. The order of fields does not count.
    pub(super) fn met(&self, name: &str, variant: Option<&str>, fields: &[&str]) {
        let variant = variant.unwrap_or_default();
        let fields: BTreeSet<_> = fields.iter().copied().collect();
        let fields: Vec<_> = fields.into_iter().collect();
        let met = format!("{name}::{variant}{{{}}}", fields.join(","));
        self.0.borrow_mut().insert(met);
    }
}
