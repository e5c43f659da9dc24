//! Opening waits for a server that is not up yet, and says what to do when it gives up.

mod support;

use seriatim_core::EventStore;
use seriatim_store_postgres::{OpenError, PostgresStore};
use seriatim_testkit::conformance::new_stream;
use support::proxy::Proxy;
use support::samples::{append, is_written};
use support::{Schema, server};
use tokio::net::TcpListener;

/// An address where nobody listens, which stays free for a while.
async fn free_address() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    listener.local_addr().unwrap().to_string()
}

/// `url` with another server.
fn at(url: &str, address: &str) -> String {
    let (user, rest) = url.split_once('@').unwrap();
    let (_, database) = rest.split_once('/').unwrap();
    format!("{user}@{address}/{database}")
}

#[tokio::test(flavor = "multi_thread")]
async fn opening_waits_for_a_server_that_comes_up() {
    let schema = Schema::new();
    let address = free_address().await;
    let url = format!("{}&wait=60&sslmode=disable", at(&schema.url(), &address));
    let opening = tokio::spawn(async move { PostgresStore::open(&url).await });
    // Long enough for a first attempt to have failed; if it has not, nothing is shown and nothing fails.
    tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    let _proxy = Proxy::on(&address, &schema.url()).await;
    let store = opening.await.unwrap().unwrap();
    let batch = vec![append(&new_stream(), None, 1)];
    assert!(is_written(&store.append(batch).await.unwrap()[0]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_does_not_come_up_is_named_with_the_next_step() {
    let address = free_address().await;
    let url = format!("{}?wait=1", at(&server(), &address));
    let refused = PostgresStore::open(&url).await;
    let refused = refused.expect_err("nobody listens");
    assert!(
        matches!(refused, OpenError::Unreachable { .. }),
        "{refused}"
    );
    let said = refused.to_string();
    assert!(
        said.contains(&address) && said.contains("start it"),
        "{said}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_will_not_change_is_not_waited_for() {
    let (user, rest) = server()
        .split_once('@')
        .map(|(user, rest)| (user.to_owned(), rest.to_owned()))
        .unwrap();
    let (address, _) = rest.split_once('/').unwrap();
    let (scheme, _) = user.split_once("//").unwrap();
    // If it were waited for, the test would take a day.
    let wait = "wait=86400";
    let url = format!("{scheme}//nobody:wrong@{address}/postgres?{wait}");
    let refused = PostgresStore::open(&url)
        .await
        .expect_err("nobody is no user");
    assert!(matches!(refused, OpenError::NotLetIn { .. }), "{refused}");
    assert!(!refused.to_string().contains("wrong"), "{refused}");
    let url = format!("{user}@{address}/nothing_here?{wait}");
    let refused = PostgresStore::open(&url)
        .await
        .expect_err("there is no such database");
    assert!(
        matches!(refused, OpenError::NoSuchDatabase { .. }),
        "{refused}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_refuses_writes_is_told_apart() {
    let schema = Schema::new();
    let name = schema.name().replace("exam", "reader");
    let server = server();
    let create = format!(
        "CREATE ROLE {name} LOGIN SUPERUSER PASSWORD 'only-a-test';
         ALTER ROLE {name} SET default_transaction_read_only = on"
    );
    support::execute(&server, &create).await.unwrap();
    let url = schema.url();
    let (_, rest) = url.split_once('@').unwrap();
    let url = format!("postgres://{name}:only-a-test@{rest}&wait=1");
    let refused = PostgresStore::open(&url)
        .await
        .expect_err("nothing can be written");
    assert!(matches!(refused, OpenError::ReadOnly { .. }), "{refused}");
    assert!(
        refused.to_string().contains("name the primary server"),
        "{refused}"
    );
    support::execute(&server, &format!("DROP ROLE {name}"))
        .await
        .unwrap();
}

/// The brackets are those of the URL, and no part of the address.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_is_reached_by_its_address_of_ip_version_6() {
    if TcpListener::bind("[::1]:0").await.is_err() {
        // This machine has no such addresses. That the brackets go is shown beside the reading of URLs, too.
        return;
    }
    let schema = Schema::new();
    let proxy = Proxy::on("[::1]:0", &schema.url()).await;
    assert!(proxy.url().contains("@[::1]:"), "{}", proxy.url());
    let store = PostgresStore::open(proxy.url()).await.unwrap();
    let batch = vec![append(&new_stream(), None, 1)];
    assert!(is_written(&store.append(batch).await.unwrap()[0]));
    let shown = format!("{store:?}");
    assert!(shown.contains("[::1]:"), "{shown}");
}
