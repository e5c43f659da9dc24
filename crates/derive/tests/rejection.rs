//! Rejections.

use serde_json::json;
use seriatim_core::{Rejected, Rejection as _};
use seriatim_derive::Rejection;

#[derive(Rejection, thiserror::Error, Debug)]
#[seriatim(crate = "seriatim_core")]
enum AccountRejection {
    #[error("the account has only {balance} cents")]
    InsufficientFunds { balance: u64, asked: u64 },
    #[error("the account is closed")]
    #[seriatim(code = "account-closed")]
    Closed,
    #[error("{0} is not {1}")]
    Confused(String, f64),
    #[error("the limit could not be read")]
    Limits {
        account: String,
        #[source]
        #[seriatim(skip)]
        source: std::fmt::Error,
    },
}

#[derive(Rejection, thiserror::Error, Debug)]
#[error("it is sold out")]
#[seriatim(crate = "seriatim_core")]
struct SoldOut {
    left: std::collections::BTreeMap<(u8, u8), u8>,
    r#type: char,
}

#[test]
fn the_code_is_the_variants_name_unless_another_is_given() {
    let short = AccountRejection::InsufficientFunds {
        balance: 3,
        asked: 5,
    };
    assert_eq!(short.code(), "InsufficientFunds");
    assert_eq!(AccountRejection::Closed.code(), "account-closed");
}

#[test]
fn fields_go_along_as_json() {
    let short = AccountRejection::InsufficientFunds {
        balance: 3,
        asked: 5,
    };
    assert_eq!(short.fields(), [("balance", json!(3)), ("asked", json!(5))]);
    assert_eq!(AccountRejection::Closed.fields(), []);
    let confused = AccountRejection::Confused("this".into(), 0.5);
    assert_eq!(confused.fields(), [("0", json!("this")), ("1", json!(0.5))]);
    let rejected = Rejected::from(&short);
    assert_eq!(rejected.message, "the account has only 3 cents");
}

#[test]
fn a_skipped_field_stays_behind() {
    let limits = AccountRejection::Limits {
        account: "a".into(),
        source: std::fmt::Error,
    };
    assert_eq!(limits.fields(), [("account", json!("a"))]);
}

#[test]
fn a_field_that_json_has_no_form_for_is_shown_all_the_same() {
    let left = [((1, 2), 3)].into();
    let sold_out = SoldOut { left, r#type: 'a' };
    assert_eq!(sold_out.code(), "SoldOut");
    assert_eq!(
        sold_out.fields(),
        [("left", json!({ "[1,2]": 3 })), ("type", json!("a"))]
    );
}
