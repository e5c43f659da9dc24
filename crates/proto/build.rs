//! Compiles `proto/seriatim/v1` without `protoc`.

use std::error::Error;
use std::path::PathBuf;

use prost::Message;
use protox::Compiler;
use protox::file::{
    ChainFileResolver, DescriptorSetFileResolver, GoogleFileResolver, IncludeFileResolver,
};
use protox::prost_reflect::prost_types::FileDescriptorSet;

/// All files that are ours, and the google.rpc messages that travel only inside `Any`: a client that works by
/// reflection must be able to look them up.
const FILES: &[&str] = &[
    "seriatim/v1/types.proto",
    "seriatim/v1/errors.proto",
    "seriatim/v1/outcome.proto",
    "seriatim/v1/command_service.proto",
    "seriatim/v1/fact_service.proto",
    "seriatim/v1/query_service.proto",
    "seriatim/v1/subscription_service.proto",
    "seriatim/v1/dead_letter_service.proto",
    "seriatim/v1/admin_service.proto",
    "seriatim/v1/read_models.proto",
    "google/rpc/error_details.proto",
    "google/rpc/status.proto",
];

fn main() -> Result<(), Box<dyn Error>> {
    // Where it runs, not where it was compiled: copies of the repository may share a target folder.
    let include = PathBuf::from(std::env::var("CARGO_MANIFEST_DIR")?).join("../../proto");
    println!("cargo::rerun-if-changed={}", include.display());

    let mut files = ChainFileResolver::new();
    files.add(IncludeFileResolver::new(include));
    files.add(GoogleFileResolver::new());
    files.add(DescriptorSetFileResolver::new(google_rpc()?));
    let mut compiler = Compiler::with_file_resolver(files);
    compiler
        .include_imports(true)
        .include_source_info(true)
        .open_files(FILES)?;

    let out = PathBuf::from(std::env::var("OUT_DIR")?);
    std::fs::write(
        out.join("seriatim.v1.bin"),
        compiler.encode_file_descriptor_set(),
    )?;
    let mut names = tonic_prost_build::Config::new();
    names
        .enable_type_names()
        .type_name_domain(["."], "type.googleapis.com")
        // Few requests have it, and all would be larger.
        .boxed(".seriatim.v1.SubmitRequest.effect");
    tonic_prost_build::configure()
        .extern_path(".google.rpc", "::tonic_types::pb")
        .compile_fds_with_config(compiler.file_descriptor_set(), names)?;
    Ok(())
}

/// The definitions of google.rpc under the paths everybody else knows them by; tonic-types has them without folders.
fn google_rpc() -> Result<FileDescriptorSet, Box<dyn Error>> {
    let mut set = FileDescriptorSet::decode(tonic_types::pb::FILE_DESCRIPTOR_SET)?;
    for file in &mut set.file {
        if file.package() == "google.rpc" {
            file.name = Some(format!("google/rpc/{}", file.name()));
        }
    }
    Ok(set)
}
