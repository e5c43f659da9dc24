//! Renews what is generated of the proto files.

use std::error::Error;

fn main() -> Result<(), Box<dyn Error>> {
    seriatim_proto_codegen::generate(&seriatim_proto_codegen::kept())
}
