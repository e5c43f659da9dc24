//! Text about API tokens, for people and for programs.

use serde_json::{Value, json};
use seriatim_core::{NewToken, Timestamp, TokenRecord};
use uuid::Uuid;

use super::lines::Lines;

/// Returns the token alone, so that it can be written into a file.
pub(crate) fn created(token: &str) -> Lines {
    Lines::of(token)
}

pub(crate) fn created_json(id: Uuid, token: &str, new: &NewToken) -> Value {
    json!({
        "id": id,
        "token": token,
        "name": new.name,
        "roles": new.roles,
        "expires": new.expires,
    })
}

pub(crate) fn token_json(token: &TokenRecord) -> Value {
    json!({
        "id": token.id,
        "name": token.name,
        "roles": token.roles,
        "created": token.created,
        "created_by": token.created_by,
        "expires": token.expires,
        "last_used": token.last_used,
        "revoked": token.revoked,
        "revoked_by": token.revoked_by,
    })
}

pub(crate) fn tokens(all: &[TokenRecord]) -> Lines {
    let now = Timestamp::now();
    let rows: Vec<_> = all.iter().map(|token| row(token, now)).collect();
    Lines::aligned(&rows)
}

fn row(token: &TokenRecord, now: Timestamp) -> Vec<String> {
    let by = |who: &Option<String>| {
        who.as_ref()
            .map_or(String::new(), |who| format!(" by {who}"))
    };
    let roles = match token.roles.is_empty() {
        true => "no roles".into(),
        false => token.roles.join(","),
    };
    let standing = match (token.revoked, token.expires) {
        (Some(time), _) => format!("revoked {time}{}", by(&token.revoked_by)),
        (None, Some(time)) if time <= now => format!("expired {time}"),
        (None, Some(time)) => format!("expires {time}"),
        (None, None) => "does not expire".into(),
    };
    let used = (token.last_used).map_or("never used".into(), |time| format!("last used {time}"));
    vec![
        token.id.to_string(),
        token.name.clone(),
        roles,
        format!("created {}{}", token.created, by(&token.created_by)),
        standing,
        used,
    ]
}

pub(crate) fn revoked(id: Uuid) -> Lines {
    Lines::of(&format!("{id}: revoked"))
}

pub(crate) fn revoked_json(id: Uuid) -> Value {
    json!({ "id": id, "revoked": true })
}
