//! TLS to the database: as safe as the URL asks for, or refused with the next step.

mod support;

use std::path::{Path, PathBuf};
use std::time::Duration;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use seriatim_core::EventStore;
use seriatim_store_postgres::{OpenError, PostgresStore};
use seriatim_testkit::conformance::new_stream;
use sqlx::{ConnectOptions, Row};
use support::samples::{append, is_written};
use support::services::Service;
use support::{execute, target};

/// The authority that signs certificates.
type Authority = CertifiedIssuer<'static, KeyPair>;

fn authority() -> Authority {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

/// A certificate for `name`, which may be an address, and its key.
fn certificate(authority: &Authority, name: &str) -> (String, String) {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
    params.distinguished_name.push(DnType::CommonName, name);
    let certificate = params.signed_by(&key, authority).unwrap();
    (certificate.pem(), key.serialize_pem())
}

/// A server whose folder is written to through itself: it belongs to its own account.
struct Server {
    service: Service,
    files: PathBuf,
}

impl Server {
    async fn start() -> Self {
        let service = tokio::task::spawn_blocking(|| Service::new("tls"));
        let files = target().join("services/tls-files");
        std::fs::create_dir_all(&files).unwrap();
        Self {
            service: service.await.unwrap(),
            files,
        }
    }

    async fn sql(&self, sql: &str) {
        execute(&self.service.url(), sql).await.unwrap();
    }

    async fn write(&self, name: &str, text: &str) {
        let lines = format!(
            "SELECT unnest(string_to_array($t${}$t$, E'\\n'))",
            text.trim()
        );
        let program = format!("umask 077; cat > {name}");
        self.sql(&format!("COPY ({lines}) TO PROGRAM '{program}'"))
            .await;
    }

    /// A file of ours, as it is named in a URL.
    fn file(&self, name: &str, text: &str) -> String {
        let path = self.files.join(name);
        std::fs::write(&path, text).unwrap();
        path.display().to_string()
    }

    /// The server has read its settings when it answers by TLS.
    async fn switch_tls_on(&self, authority: &Authority) {
        let (certificate, key) = certificate(authority, "127.0.0.1");
        self.write("server.crt", &certificate).await;
        self.write("server.key", &key).await;
        self.write("root.crt", &authority.pem()).await;
        let hba = "hostssl all certified 127.0.0.1/32 cert\nhost all all 127.0.0.1/32 password";
        self.write("pg_hba.conf", hba).await;
        self.sql("ALTER SYSTEM SET ssl_ca_file = 'root.crt'").await;
        self.sql("ALTER SYSTEM SET ssl = on").await;
        self.sql("SELECT pg_reload_conf()").await;
        let url = format!("{}?sslmode=require", self.service.url());
        while execute(&url, "SELECT 1").await.is_err() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    async fn open(&self, options: &str) -> Result<PostgresStore, OpenError> {
        PostgresStore::open(&format!("{}?{options}", self.service.url())).await
    }

    /// The kinds of TLS of the connections that a program of this name has.
    async fn protocols(&self, application: &str) -> Vec<Option<String>> {
        let options: sqlx::postgres::PgConnectOptions = self.service.url().parse().unwrap();
        let mut connection = options.connect().await.unwrap();
        let select = "SELECT s.version FROM pg_stat_ssl AS s JOIN pg_stat_activity AS a USING (pid)
                      WHERE a.application_name = $1";
        let rows = sqlx::query(select).bind(application);
        let rows = rows.fetch_all(&mut connection).await.unwrap();
        rows.iter().map(|row| row.get(0)).collect()
    }
}

async fn writes(store: &PostgresStore) -> bool {
    let outcomes = store.append(vec![append(&new_stream(), None, 1)]).await;
    is_written(&outcomes.unwrap()[0])
}

fn says(error: &OpenError, next_step: &str) {
    assert!(error.to_string().contains(next_step), "{error}");
}

// One test, for there is one server: first without TLS, then with it.
#[tokio::test(flavor = "multi_thread")]
async fn a_connection_is_as_safe_as_the_url_asks_for() {
    let server = Server::start().await;
    let refused = server.open("sslmode=require&wait=86400").await.unwrap_err();
    assert!(matches!(refused, OpenError::NoTls { .. }), "{refused}");
    says(&refused, "set `ssl = on` at the server");

    let (ours, theirs) = (authority(), authority());
    server.switch_tls_on(&ours).await;
    let root = server.file("ours.crt", &ours.pem());
    let other = server.file("theirs.crt", &theirs.pem());

    let verified = format!("sslmode=verify-full&sslrootcert={root}");
    let store = server
        .open(&format!("{verified}&application_name=verified"))
        .await;
    assert!(writes(&store.unwrap()).await);
    let store = server
        .open(&format!("{verified}&application_name=counted"))
        .await
        .unwrap();
    assert!(writes(&store).await);
    let protocols = server.protocols("counted").await;
    let is_new = |version: &Option<String>| version.as_deref() == Some("TLSv1.3");
    assert!(
        !protocols.is_empty() && protocols.iter().all(is_new),
        "{protocols:?}"
    );

    // None of these is waited for: nothing would change.
    for wrong in [
        format!("sslmode=verify-full&sslrootcert={other}&wait=86400"),
        format!("sslmode=verify-ca&sslrootcert={other}&wait=86400"),
        "sslmode=verify-full&wait=86400".to_owned(),
    ] {
        let refused = server.open(&wrong).await.unwrap_err();
        assert!(matches!(refused, OpenError::NotTrusted { .. }), "{refused}");
        says(&refused, "name that of its authority in `sslrootcert`");
    }
    let by_name = server.service.url().replace("127.0.0.1", "localhost");
    let refused = PostgresStore::open(&format!("{by_name}?{verified}&wait=86400")).await;
    assert!(
        matches!(refused, Err(OpenError::NotTrusted { .. })),
        "{refused:?}"
    );
    let checked = format!("sslmode=verify-ca&sslrootcert={root}");
    let store = PostgresStore::open(&format!("{by_name}?{checked}")).await;
    assert!(
        writes(&store.unwrap()).await,
        "only `verify-full` looks at the name"
    );

    client_certificates(&server, &ours, &theirs, &verified).await;
    let Server { service, files } = server;
    service.remove();
    std::fs::remove_dir_all(Path::new(&files)).unwrap();
}

/// A certificate in place of a password.
async fn client_certificates(
    server: &Server,
    ours: &Authority,
    theirs: &Authority,
    verified: &str,
) {
    server.sql("CREATE ROLE certified LOGIN SUPERUSER").await;
    let url = |certificate: &str, key: &str| {
        let address = server.service.address();
        let own = format!("sslcert={certificate}&sslkey={key}");
        format!("postgres://certified@{address}/postgres?{verified}&{own}&wait=1")
    };
    let (certificate, key) = self::certificate(ours, "certified");
    let own = url(
        &server.file("certified.crt", &certificate),
        &server.file("certified.key", &key),
    );
    assert!(writes(&PostgresStore::open(&own).await.unwrap()).await);

    let none = own.split_once("&sslcert").unwrap().0;
    let refused = PostgresStore::open(&format!("{none}&wait=86400"))
        .await
        .unwrap_err();
    assert!(matches!(refused, OpenError::NotLetIn { .. }), "{refused}");

    let (certificate, key) = self::certificate(theirs, "certified");
    let forged = url(
        &server.file("forged.crt", &certificate),
        &server.file("forged.key", &key),
    );
    let refused = PostgresStore::open(&forged).await.unwrap_err();
    assert!(!matches!(refused, OpenError::Failed { .. }), "{refused:?}");
}
