//! An enum's variants are stored under their names, whatever serde would call them.

use seriatim_derive::Event;
use serde::Serialize;

#[derive(Event, Serialize)]
#[seriatim(crate = "seriatim_core")]
#[serde(tag = "type", content = "data", rename_all = "snake_case")]
enum Renamed {
    #[serde(rename = "open", alias = "opened")]
    Opened,
}

#[derive(Event, Serialize)]
#[seriatim(crate = "seriatim_core")]
#[serde(untagged, from = "String")]
enum Untagged {
    #[serde(rename_all = "camelCase", skip)]
    Opened { owner: u8 },
}

fn main() {}
