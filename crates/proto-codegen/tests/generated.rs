//! Checks that the code that is kept is what the proto files give.

use std::fs;

use seriatim_proto_codegen::{generate, kept};

#[test]
fn what_is_generated_is_of_these_proto_files() {
    let made = tempfile::tempdir().unwrap();
    generate(made.path()).unwrap();
    for name in ["seriatim.v1.rs", "seriatim.v1.bin"] {
        let now = fs::read(made.path().join(name)).unwrap();
        let same = fs::read(kept().join(name)).is_ok_and(|before| before == now);
        let renew = "cargo run -p seriatim-proto-codegen";
        assert!(same, "{name} is not of the proto files; run `{renew}`");
    }
}
