//! The folder `proto` stands alone: whoever copies it can compile it, in any language, with what comes with protobuf.

use std::path::PathBuf;
use std::process::Command;
use std::{env, fs};

use protox::Compiler;
use protox::file::{ChainFileResolver, GoogleFileResolver, IncludeFileResolver};

fn folder() -> PathBuf {
    seriatim_proto_codegen::proto()
}

/// Every file in it, by the path that others import it by.
fn files() -> Vec<String> {
    let listed = fs::read_dir(folder().join("seriatim/v1")).unwrap();
    let names = listed.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut files: Vec<_> = names.map(|name| format!("seriatim/v1/{name}")).collect();
    files.sort();
    assert!(files.len() >= 10, "{files:?}");
    files
}

#[test]
fn the_folder_needs_nothing_but_what_comes_with_protobuf() {
    let mut resolver = ChainFileResolver::new();
    resolver.add(IncludeFileResolver::new(folder()));
    // Only google/protobuf/*.
    resolver.add(GoogleFileResolver::new());
    let mut compiler = Compiler::with_file_resolver(resolver);
    compiler.open_files(files()).unwrap();
}

#[test]
fn protoc_compiles_the_folder_alone() {
    let protoc = env::var_os("PROTOC").unwrap_or_else(|| "protoc".into());
    let out = env::temp_dir().join(format!("seriatim-{}.bin", std::process::id()));
    let compiled = Command::new(&protoc)
        .arg("--proto_path")
        .arg(folder())
        .arg("--descriptor_set_out")
        .arg(&out)
        .args(files())
        .output();
    match compiled {
        Ok(compiled) => {
            let said = String::from_utf8_lossy(&compiled.stderr);
            assert!(compiled.status.success(), "{said}");
            assert!(said.is_empty(), "protoc warns: {said}");
            fs::remove_file(out).unwrap();
        }
        Err(error) => println!("not tried: {} does not run ({error})", protoc.display()),
    }
}

/// Code is generated from every file that is there.
#[test]
fn every_file_of_the_folder_is_compiled() {
    for file in files() {
        assert!(
            seriatim_proto_codegen::FILES.contains(&file.as_str()),
            "{file}"
        );
    }
}
