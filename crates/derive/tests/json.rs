//! Events and commands with the JSON codec.

use serde::{Deserialize, Serialize};
use seriatim_core::{Codec, DecodeError, Event as _, Message, Payload};
use seriatim_derive::{Command, Event};

#[derive(Event, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[seriatim(crate = "seriatim_core")]
enum AccountEvent {
    Opened {
        owner: String,
    },
    #[seriatim(alias = "MoneyAdded", alias = "Added")]
    Deposited {
        cents: u64,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        note: Option<String>,
    },
    #[seriatim(name = "account-closed")]
    Closed,
    Tagged(Tag),
    Moved(u8, u8),
    r#Type {
        r#in: u8,
    },
}

#[derive(Serialize, Deserialize, Clone, Debug, PartialEq)]
struct Tag {
    text: String,
}

#[derive(Command, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[seriatim(crate = "seriatim_core", name = "Open", alias = "Create")]
struct OpenAccount {
    owner: String,
}

fn each_event() -> [(AccountEvent, &'static str, &'static str); 6] {
    let owner = "Ann".to_owned();
    let tag = Tag { text: "x".into() };
    [
        (
            AccountEvent::Opened { owner },
            "Opened",
            r#"{"owner":"Ann"}"#,
        ),
        (
            AccountEvent::Deposited {
                cents: 5,
                note: None,
            },
            "Deposited",
            r#"{"cents":5}"#,
        ),
        (AccountEvent::Closed, "account-closed", "{}"),
        (AccountEvent::Tagged(tag), "Tagged", r#"{"text":"x"}"#),
        (AccountEvent::Moved(1, 2), "Moved", "[1,2]"),
        (AccountEvent::Type { r#in: 1 }, "Type", r#"{"in":1}"#),
    ]
}

#[test]
fn every_variant_is_stored_under_its_name_and_reads_back() {
    for (event, name, text) in each_event() {
        let payload = event.encode().unwrap();
        assert_eq!(payload, Payload::json(name, text));
        assert_eq!(event.type_name(), name);
        assert_eq!(AccountEvent::decode(&payload).unwrap(), event);
    }
    let names = each_event().map(|(_, name, _)| name);
    assert_eq!(AccountEvent::TYPE_NAMES, names);
    assert_eq!(AccountEvent::CODEC, Codec::Json);
}

#[test]
fn old_payloads_are_read_by_alias_and_written_under_todays_name() {
    for old in ["MoneyAdded", "Added"] {
        let event = AccountEvent::decode(&Payload::json(old, r#"{"cents":5}"#)).unwrap();
        assert_eq!(
            event,
            AccountEvent::Deposited {
                cents: 5,
                note: None
            }
        );
        assert_eq!(event.encode().unwrap().type_name, "Deposited");
    }
    let todays = [("MoneyAdded", "Deposited"), ("Added", "Deposited")];
    assert_eq!(AccountEvent::ALIASES, todays);
    // The identifier of a variant with another name is no name of it.
    assert!(AccountEvent::decode(&Payload::json("Closed", "{}")).is_err());
}

#[test]
fn an_unknown_type_is_refused_with_the_names_there_are() {
    let error = AccountEvent::decode(&Payload::json("Renamed", "{}")).unwrap_err();
    assert_eq!(
        error.to_string(),
        "`Renamed` is not a type of this domain; it has `Opened`, `Deposited`, `account-closed`, `Tagged`, `Moved`, `Type`"
    );
}

#[test]
fn the_other_codec_and_json_that_does_not_fit_are_refused() {
    let protobuf = AccountEvent::decode(&Payload::protobuf("Opened", vec![])).unwrap_err();
    assert!(matches!(protobuf, DecodeError::Codec { .. }), "{protobuf}");
    let misfit = AccountEvent::decode(&Payload::json("Opened", r#"{"name":"Ann"}"#)).unwrap_err();
    assert!(
        misfit.to_string().contains("missing field `owner`"),
        "{misfit}"
    );
}

#[test]
fn a_struct_is_a_message_of_one_type() {
    let open = OpenAccount {
        owner: "Ann".into(),
    };
    let payload = open.encode().unwrap();
    assert_eq!(payload, Payload::json("Open", r#"{"owner":"Ann"}"#));
    assert_eq!(OpenAccount::decode(&payload).unwrap(), open);
    let old = Payload::json("Create", r#"{"owner":"Ann"}"#);
    assert_eq!(OpenAccount::decode(&old).unwrap(), open);
    assert!(OpenAccount::decode(&Payload::json("OpenAccount", "{}")).is_err());
    assert_eq!(OpenAccount::TYPE_NAMES, ["Open"]);
}

#[derive(Command, Clone, Debug, PartialEq)]
#[seriatim(crate = "seriatim_core")]
struct Close;

#[test]
fn a_struct_without_fields_is_written_as_a_variant_without_fields_is() {
    assert_eq!(Close.encode().unwrap(), Payload::json("Close", "{}"));
    for text in ["{}", "null"] {
        assert_eq!(Close::decode(&Payload::json("Close", text)).unwrap(), Close);
    }
    assert!(Close::decode(&Payload::json("Close", r#"{"surprise":1}"#)).is_err());
}

/// Serde's attributes that concern fields stay usable.
#[derive(Command, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all_fields = "camelCase", deny_unknown_fields)]
#[seriatim(crate = "seriatim_core")]
enum Styled {
    #[serde(rename_all = "UPPERCASE")]
    Shout {
        loud_word: String,
    },
    Whisper {
        soft_word: String,
    },
}

#[test]
fn fields_are_named_as_serde_says() {
    let whisper = Styled::Whisper {
        soft_word: "x".into(),
    }
    .encode()
    .unwrap();
    assert_eq!(whisper, Payload::json("Whisper", r#"{"softWord":"x"}"#));
    let shout = Styled::Shout {
        loud_word: "x".into(),
    }
    .encode()
    .unwrap();
    assert_eq!(shout, Payload::json("Shout", r#"{"LOUD_WORD":"x"}"#));
    assert!(Styled::decode(&Payload::json("Whisper", r#"{"softWord":"x","b":1}"#)).is_err());
}

#[derive(Event, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[seriatim(crate = "seriatim_core", canonical = without_time)]
struct Measured {
    value: i64,
    at: u64,
}

fn without_time(event: &Measured) -> Measured {
    Measured {
        at: 0,
        ..event.clone()
    }
}

#[test]
fn canonical_takes_out_what_differs_each_time() {
    let measured = |at| Measured { value: 7, at };
    assert_ne!(measured(1), measured(2));
    assert_eq!(measured(1).canonical(), measured(2).canonical());
    let plain = AccountEvent::Closed;
    assert!(matches!(plain.canonical(), std::borrow::Cow::Borrowed(_)));
}

fn is_command<C: seriatim_core::Command>(_: &C) {}

#[test]
fn the_roles_are_implemented() {
    is_command(&OpenAccount {
        owner: "Ann".into(),
    });
    is_command(&Styled::Whisper {
        soft_word: "x".into(),
    });
}
