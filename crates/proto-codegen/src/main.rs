//! Generates the code and descriptors of the proto files again.

use std::error::Error;

fn main() -> Result<(), Box<dyn Error>> {
    seriatim_proto_codegen::generate(&seriatim_proto_codegen::kept())
}
