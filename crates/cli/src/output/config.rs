//! Text about a configuration, for people and for programs.

use serde_json::{Map, Value, json};
use seriatim::security::{Config, ConfigFault, DomainPattern, Place, Rights};

use super::lines::Lines;

pub(crate) fn faults(all: &[&ConfigFault]) -> Lines {
    all.iter().map(ToString::to_string).collect()
}

pub(crate) fn fault_json(fault: &ConfigFault) -> Value {
    let message = fault.wrong.to_string();
    match &fault.place {
        Place::Text { file, line, column } => json!({
            "file": &**file, "line": line, "column": column, "key": fault.key, "message": message,
        }),
        Place::Environment { variable } => {
            json!({ "variable": &**variable, "key": fault.key, "message": message })
        }
    }
}

/// Returns how callers show who they are, and what each principal and each role may do.
pub(crate) fn config(config: &Config) -> Lines {
    let mut lines = Lines::default();
    let ways = ways(config);
    lines.push(&match ways.is_empty() {
        true => "callers: anybody, who may do everything".to_owned(),
        false => format!("callers: show who they are by {}", ways.join(", ")),
    });
    let policy = config.policy();
    let principals = policy.principals.iter().map(|(name, principal)| {
        let (rights, _) = policy.rights(principal.roles.iter().map(String::as_str));
        row("principal", name, &rights)
    });
    let roles = policy.roles.iter();
    let roles = roles.map(|(name, rights)| row("role", name, rights));
    let rows: Vec<_> = principals.chain(roles).collect();
    lines.append(&Lines::aligned(&rows));
    lines
}

fn row(kind: &str, name: &str, rights: &Rights) -> Vec<String> {
    let grants = rights
        .iter()
        .map(|(verb, domains)| match domains.is_empty() {
            true => verb.to_string(),
            false => format!("{verb}: {}", names(domains).join(" ")),
        });
    let grants: Vec<_> = grants.collect();
    let grants = match grants.is_empty() {
        true => "nothing".to_owned(),
        false => grants.join("; "),
    };
    vec![kind.into(), name.into(), grants]
}

fn names(domains: &[DomainPattern]) -> Vec<String> {
    let mut names: Vec<_> = domains.iter().map(ToString::to_string).collect();
    names.sort();
    names.dedup();
    names
}

fn ways(config: &Config) -> Vec<&'static str> {
    let asked = config.authentication.as_ref();
    let all = [
        ("API tokens", asked.is_some_and(|ways| ways.tokens)),
        (
            "JSON web tokens",
            asked.is_some_and(|ways| ways.jwt.is_some()),
        ),
        ("client certificates", config.takes_certificates()),
    ];
    let taken = all.into_iter().filter(|(_, is_taken)| *is_taken);
    taken.map(|(way, _)| way).collect()
}

pub(crate) fn config_json(config: &Config) -> Value {
    let rights_json = |rights: &Rights| -> Value {
        let each = rights.iter();
        let each = each.map(|(verb, domains)| (verb.to_string(), json!(names(domains))));
        Value::Object(each.collect::<Map<_, _>>())
    };
    let policy = config.policy();
    let roles = policy.roles.iter();
    let roles: Map<_, _> = roles
        .map(|(name, rights)| (name.clone(), rights_json(rights)))
        .collect();
    let principals = policy.principals.iter().map(|(name, principal)| {
        let (rights, _) = policy.rights(principal.roles.iter().map(String::as_str));
        let shown = json!({ "roles": principal.roles, "rights": rights_json(&rights) });
        (name.clone(), shown)
    });
    json!({
        "asks": config.asks(),
        "ways": ways(config),
        "listen": config.server.listen,
        "metrics": config.server.metrics,
        "tls": config.tls.is_some(),
        "roles": roles,
        "principals": principals.collect::<Map<_, _>>(),
    })
}
