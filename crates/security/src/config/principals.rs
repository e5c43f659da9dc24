//! The tables `principals` and `limits`.

use std::collections::{BTreeMap, HashMap};

use seriatim_core::nearest;

use super::fault::Wrong;
use super::reader::{Faults, Found, Reader, table};
use super::source::Node;
use crate::{Limits, PrincipalPolicy, Rights, check_principal_name};

/// The ways in which a principal can show who it is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ways {
    pub(super) has_ca: bool,
    pub(super) has_jwt: bool,
}

/// What shows a principal, with the key that says so.
type Shown = HashMap<String, String>;

pub(super) fn read(
    principals: Vec<(String, Found<Node>)>,
    roles: &BTreeMap<String, Rights>,
    ways: Ways,
    faults: &Faults,
) -> BTreeMap<String, PrincipalPolicy> {
    let (mut read, mut certificates, mut subjects) = (BTreeMap::new(), Shown::new(), Shown::new());
    for (name, found) in principals {
        if let Err(error) = check_principal_name(&name) {
            faults.add(&found.place, found.key.clone(), Wrong::Name(error));
        }
        let Some((_, mut table)) = table(found, faults) else {
            continue;
        };
        let of_certificates = table.texts("certificates");
        let of_subjects = table.texts("subjects");
        need(&of_certificates, ways.has_ca, "tls.client_ca", faults);
        need(&of_subjects, ways.has_jwt, "authentication.jwt", faults);
        let principal = PrincipalPolicy {
            roles: known(table.texts("roles"), roles, faults),
            certificates: once(of_certificates, &mut certificates, faults),
            subjects: once(of_subjects, &mut subjects, faults),
            limits: (table.table("limits")).map_or(Limits::default(), |(_, table)| limits(table)),
        };
        table.finish();
        read.insert(name, principal);
    }
    read
}

pub(super) fn limits(mut table: Reader<'_>) -> Limits {
    let mut number = |key| table.number(key, 1, u32::MAX);
    let limits = Limits {
        in_flight: number("in_flight"),
        per_second: number("per_second"),
        subscriptions: number("subscriptions"),
    };
    table.finish();
    limits
}

fn need(given: &[Found<String>], has: bool, needs: &'static str, faults: &Faults) {
    if let (Some(first), false) = (given.first(), has) {
        faults.add(&first.place, first.key.clone(), Wrong::Needs { needs });
    }
}

fn known(
    given: Vec<Found<String>>,
    roles: &BTreeMap<String, Rights>,
    faults: &Faults,
) -> Vec<String> {
    for role in &given {
        if !roles.contains_key(&role.value) {
            let wrong = Wrong::UnknownRole {
                role: role.value.clone(),
                nearest: nearest(&role.value, roles.keys().map(String::as_str)),
            };
            faults.add(&role.place, role.key.clone(), wrong);
        }
    }
    given.into_iter().map(|role| role.value).collect()
}

fn once(given: Vec<Found<String>>, shown: &mut Shown, faults: &Faults) -> Vec<String> {
    for found in &given {
        if found.value.is_empty() {
            faults.add(&found.place, found.key.clone(), Wrong::Empty);
        } else if let Some(other) = shown.insert(found.value.clone(), found.key.clone()) {
            let value = found.value.clone();
            faults.add(
                &found.place,
                found.key.clone(),
                Wrong::Twice { value, other },
            );
        }
    }
    given.into_iter().map(|found| found.value).collect()
}
