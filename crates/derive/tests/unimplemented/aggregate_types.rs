//! An aggregate's types say what they lack.

use seriatim_core::Aggregate;

#[derive(Default, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
struct Account;

impl Aggregate for Account {
    const DOMAIN: &'static str = "account";
    type Command = Vec<u8>;
    type Event = u8;
    type Rejection = String;

    fn decide(&self, _: &Vec<u8>) -> Result<Vec<u8>, String> {
        Ok(Vec::new())
    }

    fn evolve(&mut self, _: &u8) {}
}

fn main() {}
