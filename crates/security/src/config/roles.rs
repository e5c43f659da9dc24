//! The table `roles`.

use std::collections::BTreeMap;

use seriatim_core::nearest;

use super::fault::Wrong;
use super::reader::{Faults, Found, table, texts};
use super::source::{Node, Value};
use crate::{DomainPattern, Rights, Verb};

/// The longest name of a role, in bytes.
const MOST_BYTES: usize = 200;

pub(super) fn read(roles: Vec<(String, Found<Node>)>, faults: &Faults) -> BTreeMap<String, Rights> {
    let mut read = BTreeMap::new();
    for (name, found) in roles {
        if name.is_empty() || name.len() > MOST_BYTES || name.chars().any(char::is_control) {
            faults.add(&found.place, found.key.clone(), Wrong::RoleName);
        }
        let Some((_, grants)) = table(found, faults) else {
            continue;
        };
        let grants = grants.all().into_iter();
        let rights = grants.fold(Rights::default(), |rights, (verb, granted)| {
            add(rights, &verb, granted, faults)
        });
        read.insert(name, rights);
    }
    read
}

fn add(rights: Rights, verb: &str, granted: Found<Node>, faults: &Faults) -> Rights {
    let Ok(verb) = verb.parse::<Verb>() else {
        let nearest = nearest(verb, Verb::ALL.map(Verb::name));
        faults.add(&granted.place, granted.key, Wrong::UnknownVerb { nearest });
        return rights;
    };
    match (&granted.value.value, verb.is_of_domains()) {
        (Value::Boolean(false), _) => rights,
        (Value::Boolean(true), false) => rights.grant(verb, []),
        (Value::Boolean(true), true) => {
            faults.add(&granted.place, granted.key, Wrong::OfDomains { verb });
            rights
        }
        (Value::List(_) | Value::Text(_), false) => {
            faults.add(&granted.place, granted.key, Wrong::OfServer { verb });
            rights
        }
        (_, true) => rights.grant(verb, patterns(granted, faults)),
        (value, false) => {
            let (expected, found) = ("`true` or `false`", value.kind());
            faults.add(&granted.place, granted.key, Wrong::Type { expected, found });
            rights
        }
    }
}

fn patterns(granted: Found<Node>, faults: &Faults) -> Vec<DomainPattern> {
    let place = granted.place.clone();
    let (key, all) = (granted.key.clone(), texts(granted, faults));
    if all.is_empty() {
        faults.add(&place, key, Wrong::Empty);
    }
    let pattern = |text: Found<String>| match text.value.parse() {
        Ok(pattern) => Some(pattern),
        Err(error) => {
            faults.add(&text.place, text.key, Wrong::Pattern(error));
            None
        }
    };
    all.into_iter().filter_map(pattern).collect()
}
