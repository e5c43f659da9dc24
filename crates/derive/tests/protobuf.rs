//! Events and commands with the protobuf codec: messages as prost generates them.

use prost::Message as _;
use seriatim_core::{Codec, DecodeError, Event as _, Message, Payload};
use seriatim_derive::{Command, Event};

/// The code that prost-build writes for the package `bank.v1`.
mod v1 {
    #[derive(Clone, PartialEq, ::prost::Message)]
    pub(crate) struct Opened {
        #[prost(string, tag = "1")]
        pub(crate) owner: ::prost::alloc::string::String,
    }

    impl ::prost::Name for Opened {
        const NAME: &'static str = "Opened";
        const PACKAGE: &'static str = "bank.v1";
        fn full_name() -> ::prost::alloc::string::String {
            "bank.v1.Opened".into()
        }
        fn type_url() -> ::prost::alloc::string::String {
            "/bank.v1.Opened".into()
        }
    }

    #[derive(Clone, Copy, PartialEq, Eq, Hash, ::prost::Message)]
    pub(crate) struct Deposited {
        #[prost(uint64, tag = "1")]
        pub(crate) cents: u64,
    }

    impl ::prost::Name for Deposited {
        const NAME: &'static str = "Deposited";
        const PACKAGE: &'static str = "";
    }

    /// Generated without `enable_type_names`.
    #[derive(Clone, Copy, PartialEq, Eq, Hash, ::prost::Message)]
    pub(crate) struct Closed {}

    /// Declared inside of the message `Account`.
    #[derive(Clone, Copy, PartialEq, Eq, Hash, ::prost::Message)]
    pub(crate) struct Frozen {}

    impl ::prost::Name for Frozen {
        const NAME: &'static str = "Frozen";
        const PACKAGE: &'static str = "bank.v1";
        fn full_name() -> ::prost::alloc::string::String {
            "bank.v1.Account.Frozen".into()
        }
    }
}

#[derive(Event, Clone, Debug, PartialEq)]
#[seriatim(crate = "seriatim_core", codec = "protobuf", canonical = in_lower_case)]
enum AccountEvent {
    Opened(v1::Opened),
    #[seriatim(alias = "bank.v0.MoneyAdded")]
    Deposited(v1::Deposited),
    #[seriatim(name = "bank.v1.Closed")]
    Closed(v1::Closed),
}

fn in_lower_case(event: &AccountEvent) -> AccountEvent {
    match event {
        AccountEvent::Opened(opened) => AccountEvent::Opened(v1::Opened {
            owner: opened.owner.to_lowercase(),
        }),
        other => other.clone(),
    }
}

/// The enum that prost-build writes for a message with a `oneof`, with the derive added by `enum_attribute`.
#[derive(Clone, PartialEq, prost::Oneof, Command)]
#[seriatim(crate = "seriatim_core", codec = "protobuf")]
enum Kind {
    #[prost(message, tag = "1")]
    Open(v1::Opened),
    #[prost(message, tag = "2")]
    Deposit(v1::Deposited),
    #[prost(message, boxed, tag = "3")]
    #[seriatim(name = "bank.v1.Account.Freeze")]
    Freeze(Box<v1::Frozen>),
}

/// A message that is a command of its own.
#[derive(Clone, PartialEq, prost::Message, Command)]
#[seriatim(crate = "seriatim_core", codec = "protobuf", name = "bank.v1.Withdraw")]
struct Withdraw {
    #[prost(uint64, tag = "1")]
    cents: u64,
}

fn opened() -> v1::Opened {
    v1::Opened {
        owner: "Ann".into(),
    }
}

#[test]
fn the_payload_is_the_message_under_its_full_name() {
    let event = AccountEvent::Opened(opened());
    let payload = event.encode().unwrap();
    assert_eq!(
        payload,
        Payload::protobuf("bank.v1.Opened", opened().encode_to_vec())
    );
    assert_eq!(event.type_name(), "bank.v1.Opened");
    assert_eq!(AccountEvent::decode(&payload).unwrap(), event);
    assert_eq!(
        AccountEvent::TYPE_NAMES,
        ["bank.v1.Opened", "Deposited", "bank.v1.Closed"]
    );
    assert_eq!(AccountEvent::CODEC, Codec::Protobuf);
}

#[test]
fn a_message_without_a_name_is_given_one() {
    let closed = AccountEvent::Closed(v1::Closed {});
    let payload = closed.encode().unwrap();
    assert_eq!(payload, Payload::protobuf("bank.v1.Closed", vec![]));
    assert_eq!(AccountEvent::decode(&payload).unwrap(), closed);
}

#[test]
fn old_payloads_are_read_by_alias_and_written_under_todays_name() {
    let deposited = v1::Deposited { cents: 5 };
    let old = Payload::protobuf("bank.v0.MoneyAdded", deposited.encode_to_vec());
    let event = AccountEvent::decode(&old).unwrap();
    assert_eq!(AccountEvent::ALIASES, [("bank.v0.MoneyAdded", "Deposited")]);
    assert_eq!(event, AccountEvent::Deposited(deposited));
    assert_eq!(event.encode().unwrap().type_name, "Deposited");
}

#[test]
fn an_unknown_type_is_refused_with_the_names_there_are() {
    let error = AccountEvent::decode(&Payload::protobuf("bank.v1.Renamed", vec![])).unwrap_err();
    assert_eq!(
        error.to_string(),
        "`bank.v1.Renamed` is not a type of this domain; it has `bank.v1.Opened`, `Deposited`, `bank.v1.Closed`"
    );
}

#[test]
fn the_other_codec_and_bytes_that_are_no_message_are_refused() {
    let json = AccountEvent::decode(&Payload::json("bank.v1.Opened", "{}")).unwrap_err();
    assert!(matches!(json, DecodeError::Codec { .. }), "{json}");
    let cut = Payload::protobuf("bank.v1.Opened", vec![0x0a, 0x05, b'A']);
    let error = AccountEvent::decode(&cut).unwrap_err();
    assert!(matches!(error, DecodeError::Protobuf { .. }), "{error}");
}

#[test]
fn canonical_works_for_messages_too() {
    let loud = AccountEvent::Opened(v1::Opened {
        owner: "ANN".into(),
    });
    let soft = AccountEvent::Opened(v1::Opened {
        owner: "ann".into(),
    });
    assert_eq!(loud.canonical(), soft.canonical());
}

#[test]
fn a_generated_oneof_is_a_message_as_it_is() {
    for (kind, name) in [
        (Kind::Open(opened()), "bank.v1.Opened"),
        (Kind::Deposit(v1::Deposited { cents: 1 }), "Deposited"),
        (Kind::Freeze(Box::default()), "bank.v1.Account.Freeze"),
    ] {
        let payload = Message::encode(&kind).unwrap();
        assert_eq!(payload.type_name, name);
        assert_eq!(<Kind as Message>::decode(&payload).unwrap(), kind);
    }
}

#[test]
fn a_message_can_be_a_command_itself() {
    let withdraw = Withdraw { cents: 7 };
    let payload = Message::encode(&withdraw).unwrap();
    assert_eq!(payload, Payload::protobuf("bank.v1.Withdraw", vec![8, 7]));
    assert_eq!(<Withdraw as Message>::decode(&payload).unwrap(), withdraw);
    assert_eq!(Message::type_name(&withdraw), "bank.v1.Withdraw");
}

#[derive(Event, Clone, Debug, PartialEq)]
#[seriatim(crate = "seriatim_core", codec = "protobuf")]
enum Nested {
    Frozen(v1::Frozen),
}

#[test]
fn a_nested_message_asks_for_the_name_that_only_prost_knows() {
    let error = Nested::Frozen(v1::Frozen {}).encode().unwrap_err();
    assert_eq!(
        error.source.to_string(),
        "it is nested in another message; add `#[seriatim(name = \"bank.v1.Account.Frozen\")]`"
    );
}
