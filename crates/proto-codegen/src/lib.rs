//! Makes the code and the descriptors of the wire from the proto files, without `protoc`.
//!
//! The results are kept in `crates/proto/generated`, so that a build of Seriatim does not compile a protobuf compiler
//! first. After a change of a proto file run `cargo run -p seriatim-proto-codegen`; a test fails if this was forgotten.

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};

use prost::Message;
use prost_types::FileDescriptorSet;
use protox::Compiler;
use protox::file::{
    ChainFileResolver, DescriptorSetFileResolver, GoogleFileResolver, IncludeFileResolver,
};

/// All our files, and the google.rpc messages that travel only inside `Any`, because a client that uses reflection must
/// be able to look them up.
pub const FILES: &[&str] = &[
    "seriatim/v1/types.proto",
    "seriatim/v1/errors.proto",
    "seriatim/v1/outcome.proto",
    "seriatim/v1/command_service.proto",
    "seriatim/v1/fact_service.proto",
    "seriatim/v1/query_service.proto",
    "seriatim/v1/subscription_service.proto",
    "seriatim/v1/dead_letter_service.proto",
    "seriatim/v1/job_service.proto",
    "seriatim/v1/admin_service.proto",
    "seriatim/v1/read_models.proto",
    "seriatim/v1/token_service.proto",
    "seriatim/v1/operation_service.proto",
    "google/rpc/error_details.proto",
    "google/rpc/status.proto",
];

/// The folder of the proto files.
pub fn proto() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../proto")
}

/// The folder in which the results are kept.
pub fn kept() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../proto/generated")
}

/// Writes `seriatim.v1.rs` and `seriatim.v1.bin` into a folder.
pub fn generate(out: &Path) -> Result<(), Box<dyn Error>> {
    let mut files = ChainFileResolver::new();
    files.add(IncludeFileResolver::new(proto()));
    files.add(GoogleFileResolver::new());
    files.add(DescriptorSetFileResolver::new(google_rpc()?));
    let mut compiler = Compiler::with_file_resolver(files);
    compiler
        .include_imports(true)
        .include_source_info(true)
        .open_files(FILES)?;
    let set = compiler.encode_file_descriptor_set();
    fs::write(out.join("seriatim.v1.bin"), set)?;

    let mut names = tonic_prost_build::Config::new();
    names
        .enable_type_names()
        .type_name_domain(["."], "type.googleapis.com")
        // Few requests have it, and otherwise all requests would be larger.
        .boxed(".seriatim.v1.SubmitRequest.effect");
    tonic_prost_build::configure()
        .out_dir(out)
        .extern_path(".google.rpc", "::tonic_types::pb")
        .codec_path("crate::codec::WireCodec")
        .compile_fds_with_config(compiler.file_descriptor_set(), names)?;
    Ok(())
}

/// The definitions of google.rpc under their usual paths; tonic-types has them without folders.
fn google_rpc() -> Result<FileDescriptorSet, Box<dyn Error>> {
    let mut set = FileDescriptorSet::decode(tonic_types::pb::FILE_DESCRIPTOR_SET)?;
    for file in &mut set.file {
        if file.package() == "google.rpc" {
            file.name = Some(format!("google/rpc/{}", file.name()));
        }
    }
    Ok(set)
}
