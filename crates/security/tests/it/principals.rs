//! Who a caller is: a name belongs to one way of showing who one is, and ends when what was shown ends.

use std::fs;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use serde_json::{Value, json};
use seriatim_security::{
    Access, Config, Credentials, DomainPattern, Identified, JwtError, KnownToken, Policy,
    Principal, Rights, Token, Unauthenticated, Verb, Way, authorise,
};

struct Stage {
    pair: EcdsaKeyPair,
    access: Access,
    _folder: tempfile::TempDir,
}

const CONFIG: &str = r#"
[authentication]
tokens = true
[authentication.jwt]
issuer = "issuer"
audience = "bank"
algorithms = ["ES256"]
jwks = "keys.json"
[roles.clerk]
read = ["*"]
[roles.chief]
operate = true
[principals.billing]
roles = ["chief"]
subjects = ["7"]
[principals.ann]
roles = ["chief"]
"#;

impl Stage {
    fn start() -> Self {
        let (algorithm, random) = (&ECDSA_P256_SHA256_FIXED_SIGNING, SystemRandom::new());
        let document = EcdsaKeyPair::generate_pkcs8(algorithm, &random).unwrap();
        let pair = EcdsaKeyPair::from_pkcs8(algorithm, document.as_ref(), &random).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let point = pair.public_key().as_ref();
        let [x, y] = [&point[1..33], &point[33..]].map(|half| URL_SAFE_NO_PAD.encode(half));
        let keys = json!({ "keys": [{ "kty": "EC", "crv": "P-256", "x": x, "y": y }] });
        fs::write(folder.path().join("keys.json"), keys.to_string()).unwrap();
        let file = folder.path().join("seriatim.toml");
        fs::write(&file, CONFIG).unwrap();
        Self {
            pair,
            access: Access::of(&Config::read_with(file, []).unwrap()),
            _folder: folder,
        }
    }

    fn jwt(&self, subject: &str, exp: u64, roles: &Value) -> String {
        let claims =
            json!({ "iss": "issuer", "aud": "bank", "exp": exp, "sub": subject, "roles": roles });
        let [header, claims] = [json!({ "alg": "ES256" }), claims]
            .map(|part| URL_SAFE_NO_PAD.encode(part.to_string()));
        let signed = format!("{header}.{claims}");
        let signature = self
            .pair
            .sign(&SystemRandom::new(), signed.as_bytes())
            .unwrap();
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
    }

    async fn shown(&self, authorization: &str) -> Result<Principal, Unauthenticated> {
        let shown = Credentials {
            authorization: Some(authorization.as_bytes().into()),
            certificate: None,
        };
        match self.access.identify(&shown) {
            Identified::Now(found) => found,
            Identified::Later(found) => {
                let in_time = tokio::time::timeout(Duration::from_secs(120), found).await;
                in_time.expect("it never ended")
            }
        }
    }

    async fn by_subject(&self, subject: &str) -> Result<Principal, Unauthenticated> {
        let token = self.jwt(subject, soon(), &json!("clerk unknown"));
        self.shown(&format!("Bearer {token}")).await
    }

    /// Makes a token that the server knows.
    fn token(&self, name: &str) -> String {
        let token = Token::generate().unwrap();
        self.access.tokens().put(KnownToken {
            id: token.id(),
            digest: token.digest(),
            name: name.into(),
            roles: vec!["clerk".into()],
            expires: None,
            revoked: false,
            last_used: None,
        });
        token.reveal()
    }
}

fn soon() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap()
        .as_secs()
        + 600
}

#[tokio::test]
async fn a_subject_is_the_principal_that_is_configured_or_itself() {
    let stage = Stage::start();
    let billing = stage.by_subject("7").await.unwrap();
    assert_eq!((billing.name(), billing.way()), ("billing", Way::Jwt));
    assert!(authorise(&billing, Verb::Operate, None).is_ok());
    assert!(
        authorise(&billing, Verb::Read, None).is_ok(),
        "the role that it brings"
    );

    let zoe = stage.by_subject("zoe").await.unwrap();
    assert_eq!(zoe.name(), "zoe");
    assert!(authorise(&zoe, Verb::Operate, None).is_err());
    let exp = soon();
    let token = stage.jwt("zoe", exp, &json!(["nobody"]));
    let zoe = stage.shown(&format!("bearer  {token}")).await.unwrap();
    assert!(
        zoe.rights().iter().next().is_none(),
        "a role that is not defined gives nothing"
    );
    assert_eq!(
        zoe.expires(),
        Some(UNIX_EPOCH + Duration::from_secs(exp + 60))
    );
}

#[tokio::test]
async fn a_subject_cannot_take_the_name_of_somebody_else() {
    let stage = Stage::start();
    let shown = stage.token("deploy");
    for name in ["billing", "ann", "deploy"] {
        let refused = stage.by_subject(name).await;
        assert_eq!(refused.unwrap_err(), JwtError::NameTaken.into(), "{name}");
    }
    for name in ["saga:reserving", "timer:x", "a\u{1b}[2J", "", " ann"] {
        let refused = stage.by_subject(name).await;
        assert_eq!(refused.unwrap_err(), JwtError::Subject.into(), "{name:?}");
    }
    let deploy = stage.shown(&format!("Bearer {shown}")).await.unwrap();
    assert_eq!((deploy.name(), deploy.way()), ("deploy", Way::Token));
    assert!(stage.by_subject("deploy2").await.is_ok());
}

#[tokio::test]
async fn what_is_no_bearer_token_is_refused() {
    let stage = Stage::start();
    for (value, why) in [
        ("", Unauthenticated::Malformed),
        ("Bearer", Unauthenticated::Malformed),
        ("Basic YTpi", Unauthenticated::Malformed),
        ("Bearer x", Unauthenticated::Jwt(JwtError::Malformed)),
        ("Bearer srt_", Unauthenticated::Unknown),
    ] {
        assert_eq!(stage.shown(value).await.unwrap_err(), why, "{value}");
    }
    let nothing = stage.access.identify(&Credentials::default());
    assert!(matches!(
        nothing,
        Identified::Now(Err(Unauthenticated::Missing))
    ));
}

/// While the keys of web tokens cannot be fetched, nobody keeps a right that was taken away.
#[tokio::test]
async fn a_known_caller_follows_the_policy_without_being_asked() {
    let stage = Stage::start();
    let shown = stage.token("deploy");
    let known = stage.shown(&format!("Bearer {shown}")).await.unwrap();
    let may = |caller: &Principal| authorise(caller, Verb::Read, None).is_ok();
    assert!(may(&known) && may(&stage.access.renewed(&known)));
    let mut policy = Policy::clone(&stage.access.policy().unwrap());
    policy.roles.remove("clerk");
    stage.access.replace(policy.clone());
    let renewed = stage.access.renewed(&known);
    assert!(!may(&renewed) && renewed.name() == "deploy");
    let reads = Rights::default().grant(Verb::Read, [DomainPattern::all()]);
    policy.roles.insert("clerk".into(), reads);
    stage.access.replace(policy);
    assert!(
        may(&stage.access.renewed(&renewed)),
        "its roles are not forgotten"
    );
}
