//! A configuration that changes while a server runs.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use seriatim_core::Domain;
use seriatim_security::{Access, Config, ConfigFile, Verb};

struct Stage {
    file: PathBuf,
    access: Access,
    watched: ConfigFile,
    _folder: tempfile::TempDir,
}

fn text(domain: &str) -> String {
    format!("[authentication]\ntokens = true\n[roles.clerk]\nread = [\"{domain}\"]\n")
}

impl Stage {
    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("seriatim.toml");
        fs::write(&file, text("order")).unwrap();
        let config = Config::read_with(&file, []).unwrap();
        let access = Access::of(&config);
        let domains = ["order", "stock"].map(|name| name.parse().unwrap()).into();
        let watched = ConfigFile::watch(&config, &access, domains).unwrap();
        Self {
            file,
            access,
            watched,
            _folder: folder,
        }
    }

    fn reads(&self, domain: &str) -> bool {
        let domain: Domain = domain.parse().unwrap();
        let policy = self.access.policy().unwrap();
        let mut grants = policy.roles["clerk"].iter();
        grants.any(|(verb, patterns)| {
            verb == Verb::Read && patterns.iter().any(|pattern| pattern.matches(&domain))
        })
    }

    async fn until(&self, is_so: impl Fn(&Self) -> bool) {
        let in_time = async {
            while !is_so(self) {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(120), in_time)
            .await
            .expect("it never was so");
    }
}

#[tokio::test]
async fn a_changed_file_is_in_force_a_moment_later() {
    let stage = Stage::start();
    let seen = stage.access.watch();
    fs::write(&stage.file, text("stock")).unwrap();
    stage.until(|stage| stage.reads("stock")).await;
    assert!(!stage.reads("order"));
    assert!(seen.is_old(), "open calls are asked again");
}

#[tokio::test]
async fn a_configuration_with_faults_leaves_the_one_before_in_force() {
    let stage = Stage::start();
    for broken in [
        "[authentication",
        "",
        &text("odrer"),
        &text("stock").replace("read", "raed"),
        &format!("{}\nx = 1", text("stock")),
    ] {
        fs::write(&stage.file, broken).unwrap();
        assert!(!stage.watched.reload().await, "{broken}");
        assert!(stage.reads("order") && !stage.reads("stock"), "{broken}");
    }
    fs::write(&stage.file, b"\xff").unwrap();
    assert!(!stage.watched.reload().await);
    fs::remove_file(&stage.file).unwrap();
    assert!(!stage.watched.reload().await);
    fs::write(&stage.file, text("stock")).unwrap();
    assert!(stage.watched.reload().await && stage.reads("stock"));
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_reloads_at_once_the_newest_text_wins() {
    let stage = Arc::new(Stage::start());
    for round in 0..50 {
        let wanted = if round % 2 == 0 { "stock" } else { "order" };
        fs::write(&stage.file, text(wanted)).unwrap();
        let reload = || {
            let stage = Arc::clone(&stage);
            tokio::spawn(async move { stage.watched.reload().await })
        };
        let (one, other) = (reload(), reload());
        assert!(one.await.unwrap() && other.await.unwrap());
        assert!(stage.reads(wanted), "round {round}");
    }
}

#[tokio::test]
async fn whether_callers_are_asked_cannot_change() {
    let stage = Stage::start();
    assert!(stage.access.apply(&Config::default()).is_err());
    assert!(stage.reads("order"));
    let open = Access::unasked();
    let config = Config::read_with(&stage.file, []).unwrap();
    assert!(open.apply(&config).is_err() && !open.asks());
}

#[tokio::test]
async fn a_file_that_was_missing_is_looked_for_again() {
    let stage = Stage::start();
    let keys = stage.file.with_file_name("keys.json");
    let jwt = "[authentication.jwt]\nissuer = \"i\"\naudience = \"a\"\nalgorithms = [\"EdDSA\"]\njwks = \"keys.json\"\n";
    fs::write(&stage.file, format!("{}{jwt}", text("stock"))).unwrap();
    assert!(!stage.watched.reload().await && stage.reads("order"));
    let x = "A".repeat(43);
    let key = format!(r#"{{"keys":[{{"kty":"OKP","crv":"Ed25519","x":"{x}"}}]}}"#);
    fs::write(keys, key).unwrap();
    stage.until(|stage| stage.reads("stock")).await;
}
