//! The generated code and the descriptors are those of the proto files.
//!
//! They are kept in `generated`, so that whoever builds Seriatim compiles no compiler of protobuf first: that took a
//! quarter of a build. After a change of a proto file, run this with `SERIATIM_ACCEPT_WIRE=1` and commit what it writes.

use std::fs;
use std::path::{Path, PathBuf};

use prost::Message;
use prost_types::FileDescriptorSet;
use protox::Compiler;
use protox::file::{
    ChainFileResolver, DescriptorSetFileResolver, GoogleFileResolver, IncludeFileResolver,
};

/// All files that are ours, and the google.rpc messages that travel only inside `Any`: a client that works by
/// reflection must be able to look them up.
pub(crate) const FILES: &[&str] = &[
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

fn in_crate(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

#[test]
fn what_is_generated_is_of_these_proto_files() {
    let made = tempfile::tempdir().unwrap();
    generate(made.path());
    for name in ["seriatim.v1.rs", "seriatim.v1.bin"] {
        let (now, kept) = (
            fs::read(made.path().join(name)).unwrap(),
            in_crate("generated").join(name),
        );
        if std::env::var_os("SERIATIM_ACCEPT_WIRE").is_some() {
            fs::create_dir_all(in_crate("generated")).unwrap();
            fs::write(&kept, &now).unwrap();
        }
        let same = fs::read(&kept).is_ok_and(|before| before == now);
        let renew = "SERIATIM_ACCEPT_WIRE=1 cargo test -p seriatim-proto --test it";
        assert!(same, "generated/{name} is not of the proto files; run `{renew}`");
    }
}

fn generate(out: &Path) {
    let mut files = ChainFileResolver::new();
    files.add(IncludeFileResolver::new(in_crate("../../proto")));
    files.add(GoogleFileResolver::new());
    files.add(DescriptorSetFileResolver::new(google_rpc()));
    let mut compiler = Compiler::with_file_resolver(files);
    compiler
        .include_imports(true)
        .include_source_info(true)
        .open_files(FILES)
        .unwrap();
    let set = compiler.encode_file_descriptor_set();
    fs::write(out.join("seriatim.v1.bin"), set).unwrap();

    let mut names = tonic_prost_build::Config::new();
    names
        .enable_type_names()
        .type_name_domain(["."], "type.googleapis.com")
        // Few requests have it, and all would be larger.
        .boxed(".seriatim.v1.SubmitRequest.effect");
    tonic_prost_build::configure()
        .out_dir(out)
        .extern_path(".google.rpc", "::tonic_types::pb")
        .codec_path("crate::codec::WireCodec")
        .compile_fds_with_config(compiler.file_descriptor_set(), names)
        .unwrap();
}

/// The definitions of google.rpc under the paths everybody else knows them by; tonic-types has them without folders.
fn google_rpc() -> FileDescriptorSet {
    let mut set = FileDescriptorSet::decode(tonic_types::pb::FILE_DESCRIPTOR_SET).unwrap();
    for file in &mut set.file {
        if file.package() == "google.rpc" {
            file.name = Some(format!("google/rpc/{}", file.name()));
        }
    }
    set
}
