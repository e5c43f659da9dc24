//! A configuration says in one go what is wrong with it, where, and what was probably meant.

use std::ffi::OsString;
use std::fs;
use std::path::Path;

use seriatim_core::Domain;
use seriatim_security::{
    Access, Config, ConfigError, Credentials, Identified, Unauthenticated, Verb,
};

const GOOD: &str = r#"
[server]
listen = "127.0.0.1:50051"
metrics = "127.0.0.1:9464"

[authentication]
tokens = true

[roles.clerk]
submit = ["order*"]
read = "*"
"letters.read" = ["order"]
operate = true
admin = false

[principals.billing]
roles = ["clerk"]
limits = { in_flight = 64, per_second = 500 }

[limits]
subscriptions = 4
"#;

/// Returns what is wrong with a text, a line for each fault.
fn faults(text: &str) -> Vec<String> {
    match text.parse::<Config>() {
        Ok(_) => Vec::new(),
        Err(faults) => faults.iter().map(ToString::to_string).collect(),
    }
}

fn variables<const N: usize>(all: [(&str, &str); N]) -> Vec<(OsString, OsString)> {
    all.map(|(name, value)| (name.into(), value.into())).into()
}

/// Writes files into a folder of their own, for which nobody else has rights.
fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        write(&folder.path().join(name), text, 0o600);
    }
    folder
}

fn write(path: &Path, text: &str, mode: u32) {
    use std::os::unix::fs::PermissionsExt as _;
    fs::write(path, text).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn a_configuration_means_what_it_says() {
    let config: Config = GOOD.parse().unwrap();
    assert_eq!(config.server.listen.as_deref(), Some("127.0.0.1:50051"));
    assert!(config.asks() && !config.takes_certificates());
    let policy = config.policy();
    let clerk: Vec<_> = policy.roles["clerk"].iter().map(|(verb, _)| verb).collect();
    assert_eq!(
        clerk,
        [Verb::Submit, Verb::Read, Verb::LettersRead, Verb::Operate]
    );
    let limits = policy.limits_of("billing");
    assert_eq!(
        (limits.in_flight, limits.per_second, limits.subscriptions),
        (Some(64), Some(500), Some(4))
    );
    assert_eq!("".parse::<Config>().unwrap(), Config::default());
    assert!(!Config::default().asks());
}

#[test]
fn every_fault_is_told_at_once_with_its_place_and_what_was_meant() {
    let text = r#"
[servr]
listen = "127.0.0.1:50051"
[server]
listen = "50051"
insecure = "yes"
[authentication]
token = true
[roles.clerk]
sumbit = ["order"]
operate = ["order"]
read = true
record-fact = ["Order"]
"letters.read" = []
[principals."saga:x"]
roles = ["clark"]
subjects = ["7"]
[principals.billing]
certificates = ["spiffe://a"]
limits = { in_flight = 0, per_secnd = 5 }
"#;
    let expected = [
        "configuration:2:2: `servr` is no key; did you mean `server`?",
        "configuration:5:1: `server.listen` is `50051`; give an address and a port",
        "configuration:6:1: `server.insecure` is a text; give `true` or `false`",
        "configuration:8:1: `authentication.token` is no key; did you mean `tokens`?",
        "configuration:10:1: `roles.clerk.sumbit` is no verb; did you mean `submit`?",
        "configuration:11:1: `roles.clerk.operate` is about the whole server and not about domains; write `operate = true`",
        "configuration:12:1: `roles.clerk.read` needs the domains that it is granted for",
        "configuration:13:16: `roles.clerk.record-fact` is wrong: `Order` selects no domains",
        "configuration:14:1: `roles.clerk.\"letters.read\"` is empty",
        "configuration:15:13: `principals.\"saga:x\"` is wrong: `saga:x` begins as only",
        "configuration:16:10: `principals.\"saga:x\".roles` names the role `clark`, which is not defined; did you mean `clerk`?",
        "configuration:17:13: `principals.\"saga:x\".subjects` has no effect without `authentication.jwt`",
        "configuration:19:17: `principals.billing.certificates` has no effect without `tls.client_ca`",
        "configuration:20:12: `principals.billing.limits.in_flight` is 0; give a number from 1 to 4294967295",
        "configuration:20:27: `principals.billing.limits.per_secnd` is no key; did you mean `per_second`?",
    ];
    let found = faults(text);
    assert_eq!(found.len(), expected.len(), "{found:#?}");
    for (found, expected) in found.iter().zip(expected) {
        assert!(found.starts_with(expected), "{found}\n{expected}");
    }
}

#[test]
fn text_that_is_no_toml_is_refused_at_its_place() {
    for (text, place) in [
        ("[server", "configuration:1:8"),
        ("[a]\n[a]\n", "configuration:2:2"),
        ("x = \"ä\" y", "configuration:1:9"),
        ("\u{0}", "configuration:1:2"),
    ] {
        let found = faults(text);
        assert!(
            found[0].starts_with(&format!("{place}: this is not TOML")),
            "{found:?}"
        );
    }
    assert_eq!(
        faults("server = 3"),
        ["configuration:1:1: `server` is a number; give a table"]
    );
    assert!(faults("[limits]\nin_flight = 99999999999999999999")[0].contains("too large"));
}

#[test]
fn names_belong_to_one_principal() {
    let folder = folder(&[("ca.pem", ""), ("c.pem", ""), ("k.pem", "")]);
    let file = folder.path().join("seriatim.toml");
    let text = r#"
[tls]
certificate = "c.pem"
key = "k.pem"
client_ca = "ca.pem"
[principals.one]
certificates = ["a", "b"]
[principals.two]
certificates = ["b"]
"#;
    write(&file, text, 0o600);
    let error = Config::read_with(&file, []).unwrap_err();
    assert!(
        error.to_string().contains(
            ":9:17: `principals.two.certificates` has `b`, as `principals.one.certificates` has"
        ),
        "{error}"
    );
    write(&file, &text.replace("[\"b\"]", "[\"c\"]"), 0o600);
    assert!(Config::read_with(&file, []).unwrap().takes_certificates());
}

#[test]
fn files_must_be_there_and_secrets_must_be_secret() {
    let folder = folder(&[("c.pem", ""), ("k.pem", "")]);
    let file = folder.path().join("seriatim.toml");
    write(
        &file,
        "[tls]\ncertificate = \"c.pem\"\nkey = \"k.pem\"\nclient_certificates = \"maybe\"",
        0o600,
    );
    let error = Config::read_with(&file, []).unwrap_err().to_string();
    assert!(
        error.contains("`tls.client_certificates` is `maybe`; give one of `optional`, `required`"),
        "{error}"
    );
    assert!(
        error.contains("has no effect without `tls.client_ca`"),
        "{error}"
    );

    write(
        &file,
        "[tls]\ncertificate = \"gone.pem\"\nkey = \"k.pem\"",
        0o600,
    );
    write(&folder.path().join("k.pem"), "", 0o644);
    let error = Config::read_with(&file, []).unwrap_err().to_string();
    assert!(error.contains("gone.pem, which cannot be read"), "{error}");
    assert!(
        error.contains("k.pem, which everybody on this machine can read or change"),
        "{error}"
    );
    assert!(faults("[tls]\ncertificate = \"/\"")[0].contains("needs the key `key`"));

    let gone = Config::read_with(folder.path().join("other.toml"), []);
    assert!(matches!(gone, Err(ConfigError::Read { .. })));
}

#[test]
fn a_web_token_needs_an_issuer_an_audience_and_a_key_pair() {
    let jwt = |text: &str| faults(&format!("[authentication.jwt]\n{text}"));
    let missing = jwt("");
    for key in ["issuer", "audience", "algorithms", "jwks"] {
        let expected = format!("`authentication.jwt` needs the key `{key}`");
        assert!(
            missing.iter().any(|fault| fault.contains(&expected)),
            "{missing:#?}"
        );
    }
    let with = |algorithm: &str, jwks: &str| {
        jwt(&format!(
            "issuer = \"i\"\naudience = \"a\"\nalgorithms = [\"{algorithm}\"]\njwks = \"{jwks}\""
        ))
    };
    let url = "https://id.example.com/keys";
    assert_eq!(with("RS256", url), [""; 0]);
    for algorithm in ["none", "None", "HS256", "HS512"] {
        assert!(
            with(algorithm, url)[0].contains("can make one"),
            "{algorithm}"
        );
    }
    assert!(with("RS265", url)[0].contains("did you mean `RS256`?"));
    for jwks in [
        "http://id.example.com/keys",
        "ftp://x/y",
        "https://ann:pw@x/",
        "https://",
    ] {
        assert!(
            with("RS256", jwks)[0].contains("give a file, an `https://` URL"),
            "{jwks}"
        );
    }
    for jwks in [
        "http://127.0.0.1:1/keys",
        "http://[::1]/",
        "http://localhost:8080/",
    ] {
        assert_eq!(with("ES256", jwks), [""; 0], "{jwks}");
    }
    assert!(with("ES256", "gone.json")[0].contains("cannot be read"));
    let folder = folder(&[("keys.json", "{\"keys\":[{\"kty\":\"oct\",\"k\":\"AA\"}]}")]);
    let symmetric = folder.path().join("keys.json");
    assert!(with("ES256", &symmetric.display().to_string())[0].contains("no key that can check"));
    assert!(faults("[authentication]\ntokens = false")[0].contains("lets nobody in"));
    assert!(faults("[principals.ann]")[0].contains("lets nobody in"));
    assert!(faults("[roles.clerk]\noperate = true")[0].contains("lets nobody in"));
    assert!(
        jwt("leeway_seconds = 601")
            .last()
            .unwrap()
            .contains("from 0 to 600")
    );
}

#[test]
fn the_environment_wins_over_the_file() {
    let folder = folder(&[("seriatim.toml", GOOD)]);
    let read = |variables| Config::read_with(folder.path().join("seriatim.toml"), variables);
    let config = read(variables([
        ("SERIATIM__SERVER__LISTEN", "0.0.0.0:7"),
        ("SERIATIM__AUTHENTICATION__TOKENS", "true"),
        ("SERIATIM__ROLES__CLERK", "{ submit = [\"stock\"] }"),
        ("SERIATIM__ROLES__CLERK__READ", "[\"stock\"]"),
        ("SERIATIM__PRINCIPALS__BILLING__LIMITS__IN_FLIGHT", "7"),
        ("SERIATIM_SERVER", "http://elsewhere"),
        ("PATH", "/bin"),
    ]))
    .unwrap();
    assert_eq!(config.server.listen.as_deref(), Some("0.0.0.0:7"));
    let verbs: Vec<_> = config.policy().roles["clerk"]
        .iter()
        .map(|(verb, _)| verb)
        .collect();
    assert_eq!(
        verbs,
        [Verb::Submit, Verb::Read],
        "the table is replaced, then its key"
    );
    assert_eq!(config.policy().limits_of("billing").in_flight, Some(7));
    assert_eq!(config.policy().limits_of("billing").per_second, Some(500));

    let error = read(variables([
        ("SERIATIM__SERVR__LISTEN", "x"),
        ("SERIATIM__SERVER__INSECURE", "maybe"),
    ]));
    let error = error.unwrap_err().to_string();
    assert!(
        error.contains("SERIATIM__SERVR__LISTEN: `servr` is no key; did you mean `server`?"),
        "{error}"
    );
    assert!(
        error.contains("SERIATIM__SERVER__INSECURE: `server.insecure` is a text"),
        "{error}"
    );
}

#[test]
fn a_grant_for_a_domain_that_is_not_there_is_found() {
    let domains: Vec<Domain> = vec!["order".parse().unwrap(), "order-line".parse().unwrap()];
    let check = |grants: &str| {
        let text = format!("[authentication]\ntokens = true\n[roles.clerk]\nread = {grants}");
        text.parse::<Config>()
            .unwrap()
            .policy()
            .check_domains(&domains)
    };
    assert_eq!(
        check(r#"["*", "order", "order*", "seriatim.operations", "seriatim.*"]"#),
        Ok(())
    );
    let unknown = check(r#"["order", "odrer", "stock*"]"#).unwrap_err();
    assert_eq!(unknown.grants.len(), 2);
    assert!(
        unknown
            .to_string()
            .contains("the role `clerk` grants `read` for `odrer`"),
        "{unknown}"
    );
}

#[tokio::test]
async fn ways_that_are_not_configured_are_not_taken() {
    let text = "[authentication.jwt]\nissuer = \"i\"\naudience = \"a\"\nalgorithms = [\"ES256\"]\njwks = \"http://127.0.0.1:1/\"";
    let access = Access::of(&text.parse().unwrap());
    let shown = Credentials {
        authorization: Some(format!("Bearer srt_{}", "0".repeat(96)).into_bytes().into()),
        certificate: None,
    };
    assert!(matches!(
        access.identify(&shown),
        Identified::Now(Err(Unauthenticated::NotTaken))
    ));
    assert!(access.asks() && !Access::of(&Config::default()).asks());
}
