//! A primary that is lost while two stores keep writing, and a standby that takes its place.

mod support;

use sqlx::{ConnectOptions, Row};
use support::load::Load;
use support::services::Service;
use support::{Schema, execute};

const ROUNDS: usize = 3;

#[tokio::test(flavor = "multi_thread")]
async fn what_was_acknowledged_survives_the_loss_of_the_primary() {
    for round in 0..ROUNDS {
        let (primary, standby) = tokio::task::spawn_blocking(start_pair).await.unwrap();
        wait_for_the_standby(&primary).await;
        let both = primary.url().replace(
            &primary.address(),
            &format!("{},{}", primary.address(), standby.address()),
        );
        // Both of them are not there for a while: whoever opens waits.
        let schema = Schema::on(&both);
        let load = Load::start(&format!("{}&wait=60", schema.url())).await;
        load.go_on(50 + round * 37).await;
        primary.kill();
        execute(&standby.url(), "SELECT pg_promote()")
            .await
            .unwrap();
        load.go_on(50).await;
        load.assert_nothing_is_lost_or_doubled().await;
        // Both are deleted with all that is in them.
        schema.forget();
        primary.remove();
        standby.remove();
    }
}

/// New ones: a primary that was left behind cannot follow its successor.
fn start_pair() -> (Service, Service) {
    let primary = Service::new("failover-primary");
    let standby = Service::standby("failover-standby", &primary);
    (primary, standby)
}

/// From now on the primary acknowledges nothing that the standby does not have.
async fn wait_for_the_standby(primary: &Service) {
    let set = "ALTER SYSTEM SET synchronous_standby_names = '*'";
    execute(&primary.url(), set).await.unwrap();
    execute(&primary.url(), "SELECT pg_reload_conf()")
        .await
        .unwrap();
    let options: sqlx::postgres::PgConnectOptions = primary.url().parse().unwrap();
    let mut connection = options.connect().await.unwrap();
    loop {
        let follows = "SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'sync'";
        let rows = sqlx::raw_sql(follows).fetch_all(&mut connection).await;
        if rows.unwrap()[0].get::<i64, _>(0) == 1 {
            return;
        }
        tokio::task::yield_now().await;
    }
}
