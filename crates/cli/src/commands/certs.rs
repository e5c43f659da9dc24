//! `certs`, which calls no server: makes certificates for a trial.

use std::fs;
use std::io::{self, Write as _};
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair, KeyUsagePurpose,
};
use serde_json::json;
use seriatim_core::Timestamp;

use crate::args::MakeTrial;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::new_file;
use crate::output::Output;
use crate::output::lines::Lines;

const VALID: Duration = Duration::from_secs(30 * 24 * 60 * 60);
/// How long ago they begin to be valid, for machines whose clocks are behind.
const SINCE: Duration = Duration::from_secs(60 * 60);
/// The name in the certificate of the client.
const CLIENT: &str = "trial-client";
/// What every server for a trial may be called.
const HERE: [&str; 3] = ["localhost", "127.0.0.1", "::1"];

/// The content of a file, and whether it is a secret.
type Content = (&'static str, String, bool);

pub(crate) fn make_trial(wanted: &MakeTrial, output: &Output) -> Result<Exit, Failure> {
    let hosts = hosts(&wanted.hosts)?;
    let until = SystemTime::now() + VALID;
    let contents = certificates(&hosts, until).map_err(|error| {
        Failure::new(
            Exit::Unexpected,
            format!("the certificates cannot be made: {error}"),
        )
    })?;
    write_all(&wanted.folder, &contents)?;
    let file = |name: &str| wanted.folder.join(name).display().to_string();
    let until = Timestamp::from(until);
    let (ca, cert, key) = (file("ca.pem"), file("server.pem"), file("server.key"));
    let (client_cert, client_key) = (file("client.pem"), file("client.key"));
    let json = json!({
        "ca": ca,
        "server": { "certificate": cert, "key": key, "hosts": hosts },
        "client": { "certificate": client_cert, "key": client_key, "name": CLIENT },
        "valid_until": until.to_string(),
    });
    let mut text = Lines::of(&format!(
        "made {ca}, {cert} with {key}, and {client_cert} with {client_key}"
    ));
    text.push(&format!(
        "the server may be called {}; all are valid until {until}",
        hosts.join(", ")
    ));
    output.answer(&json, &text)?;
    output.hint(&format!(
        "next: give {cert} and {key} to the server (`tls.certificate` and `tls.key` in seriatim.toml), and {ca} as the CA \
         of its clients (`tls.client_ca`), whose certificate has the name `{CLIENT}`"
    ));
    output.hint(&format!(
        "then: seriatim --server https://localhost:50051 --ca {ca} --cert {client_cert} --key {client_key} domains"
    ));
    Ok(Exit::Ok)
}

fn hosts(wanted: &[String]) -> Result<Vec<String>, Failure> {
    let mut hosts: Vec<_> = HERE.map(ToOwned::to_owned).into();
    for host in wanted {
        let is_name = !host.is_empty()
            && (host.chars()).all(|one| one.is_ascii_alphanumeric() || ".-*".contains(one));
        if !is_name && host.parse::<IpAddr>().is_err() {
            let wrong = format!("`{host}` is neither a host name nor an address");
            let next = "give --host with a name such as orders.example.com";
            return Err(Failure::new(Exit::Usage, wrong).with_next(next));
        }
        if !hosts.contains(host) {
            hosts.push(host.clone());
        }
    }
    Ok(hosts)
}

/// Makes an authority, and signs a certificate for a server and one for a client. The key of the authority is not kept,
/// so that it signs nothing more.
fn certificates(hosts: &[String], until: SystemTime) -> Result<Vec<Content>, rcgen::Error> {
    let mut params = params(Vec::new(), "Seriatim trial authority", until)?;
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    let authority = CertifiedIssuer::self_signed(params, KeyPair::generate()?)?;
    let server = ExtendedKeyUsagePurpose::ServerAuth;
    let (server, server_key) = signed(&authority, hosts.to_vec(), "trial-server", server, until)?;
    let client = ExtendedKeyUsagePurpose::ClientAuth;
    let (client, client_key) = signed(&authority, vec![CLIENT.into()], CLIENT, client, until)?;
    Ok(vec![
        ("ca.pem", authority.pem(), false),
        ("server.pem", server, false),
        ("server.key", server_key, true),
        ("client.pem", client, false),
        ("client.key", client_key, true),
    ])
}

fn signed(
    authority: &CertifiedIssuer<'_, KeyPair>,
    names: Vec<String>,
    subject: &str,
    purpose: ExtendedKeyUsagePurpose,
    until: SystemTime,
) -> Result<(String, String), rcgen::Error> {
    let mut params = params(names, subject, until)?;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![purpose];
    params.use_authority_key_identifier_extension = true;
    let key = KeyPair::generate()?;
    let certificate = params.signed_by(&key, authority)?;
    Ok((certificate.pem(), key.serialize_pem()))
}

fn params(
    names: Vec<String>,
    subject: &str,
    until: SystemTime,
) -> Result<CertificateParams, rcgen::Error> {
    let mut params = CertificateParams::new(names)?;
    params.not_before = (SystemTime::now() - SINCE).into();
    params.not_after = until.into();
    params.distinguished_name.push(DnType::CommonName, subject);
    Ok(params)
}

/// Writes all files or none. Overwrites nothing.
fn write_all(folder: &Path, contents: &[Content]) -> Result<(), Failure> {
    fs::create_dir_all(folder).map_err(|error| cannot_write(folder, &error))?;
    let mut written: Vec<PathBuf> = Vec::new();
    for (name, content, is_secret) in contents {
        let path = folder.join(name);
        let result = new_file::create(&path, *is_secret).and_then(|mut file| {
            written.push(path.clone());
            file.write_all(content.as_bytes())
        });
        if let Err(error) = result {
            for path in written {
                // What remains is told by the next try.
                let _ = fs::remove_file(path);
            }
            return Err(cannot_write(&path, &error));
        }
    }
    Ok(())
}

fn cannot_write(path: &Path, error: &io::Error) -> Failure {
    let name = path.display();
    match error.kind() {
        io::ErrorKind::AlreadyExists => Failure::new(
            Exit::Invalid,
            format!("`{name}` is there already; nothing was made"),
        )
        .with_next("give another --folder, or remove the files of the former trial"),
        _ => Failure::new(Exit::Invalid, format!("cannot write `{name}`: {error}"))
            .with_next("give a --folder that you may write to"),
    }
}
