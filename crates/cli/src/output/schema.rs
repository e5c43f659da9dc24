//! What the commands and events of domains look like.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use seriatim::{Field, outline};
use seriatim_proto::v1::{DomainSchema, MessageSchema};

use super::lines::Lines;

pub(crate) fn json(domain: &DomainSchema) -> Value {
    let messages = |messages: &[MessageSchema]| {
        let messages = messages
            .iter()
            .map(|message| json!({ "type": message.type_name, "json_schema": read(message) }));
        messages.collect::<Vec<_>>()
    };
    json!({
        "domain": domain.domain,
        "commands": messages(&domain.commands),
        "events": messages(&domain.events),
    })
}

fn read(message: &MessageSchema) -> Option<Value> {
    serde_json::from_str(&message.json_schema).ok()
}

pub(crate) fn text(domains: &[DomainSchema]) -> Lines {
    let mut lines = Lines::default();
    for domain in domains {
        lines.push(&domain.domain);
        let mut types = BTreeMap::new();
        for (what, messages) in [("commands", &domain.commands), ("events", &domain.events)] {
            lines.push(&format!("  {what}"));
            for message in messages {
                lines.append(&one(message, &mut types));
            }
        }
        if !types.is_empty() {
            lines.push("  types in them");
        }
        for (name, fields) in types {
            lines.push(&format!("    {name}"));
            lines.append(&rows(&fields));
        }
    }
    lines
}

fn one(message: &MessageSchema, types: &mut BTreeMap<String, Vec<Field>>) -> Lines {
    let name = &message.type_name;
    let Some(schema) = read(message) else {
        return Lines::of(&format!("    {name}  (its fields are not known)"));
    };
    let outline = outline(&schema);
    let mut lines = Lines::of(&match outline.description.lines().next() {
        Some(description) => format!("    {name}  {description}"),
        None => format!("    {name}"),
    });
    lines.append(&rows(&outline.fields));
    types.extend(outline.types);
    lines
}

fn rows(fields: &[Field]) -> Lines {
    let rows: Vec<_> = fields
        .iter()
        .map(|field| {
            let optional = if field.is_required { "" } else { ", optional" };
            vec![
                format!("      {}", field.name),
                format!("{}{optional}", field.takes),
                field
                    .description
                    .lines()
                    .next()
                    .unwrap_or_default()
                    .to_owned(),
            ]
        })
        .collect();
    Lines::aligned(&rows)
}
