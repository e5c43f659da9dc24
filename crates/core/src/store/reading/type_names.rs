//! Keeps the type names of events that were read. There are few names, and millions of events.

use std::borrow::Cow;
use std::collections::HashSet;
use std::sync::{PoisonError, RwLock};

/// The number of names that are kept. Applications have far fewer; further names are copied for each event.
const KEPT: usize = 1024;

/// Each name is kept until the process ends.
static NAMES: RwLock<Option<HashSet<&'static str>>> = RwLock::new(None);

/// Returns type names without a copy for each event. Any number of readers share the names.
#[derive(Debug, Default)]
pub struct TypeNames {
    last: &'static str,
}

impl TypeNames {
    /// Returns the name. It is borrowed for ever if it is one of the first 1,024 that this process has read.
    pub fn get(&mut self, name: &str) -> Cow<'static, str> {
        if self.last == name {
            return Cow::Borrowed(self.last);
        }
        match kept(name) {
            Some(kept) => {
                self.last = kept;
                Cow::Borrowed(kept)
            }
            None => Cow::Owned(name.to_owned()),
        }
    }
}

fn kept(name: &str) -> Option<&'static str> {
    let names = NAMES.read().unwrap_or_else(PoisonError::into_inner);
    if let Some(found) = names.as_ref().and_then(|names| names.get(name)) {
        return Some(found);
    }
    drop(names);
    let mut names = NAMES.write().unwrap_or_else(PoisonError::into_inner);
    let names = names.get_or_insert_default();
    if names.len() >= KEPT {
        return None;
    }
    let kept: &'static str = name.to_owned().leak();
    names.insert(kept);
    Some(kept)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_comes_back_whether_it_is_kept_or_not() {
        let mut names = TypeNames::default();
        for n in 0..KEPT * 2 {
            let name = format!("Name{n}");
            assert_eq!(names.get(&name), name);
            assert_eq!(names.get(&name), name);
        }
        assert_eq!(names.get(""), "");
        assert!(matches!(names.get("one more"), Cow::Owned(_)));
    }
}
