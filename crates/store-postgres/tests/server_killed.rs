//! A server that is killed in the middle of its work, again and again, while two stores keep writing to it.

mod support;

use support::Schema;
use support::load::Load;
use support::services::Service;

const KILLS: usize = 30;

#[tokio::test(flavor = "multi_thread")]
async fn what_was_acknowledged_survives_a_killed_server() {
    let server = Service::up("killed");
    let schema = Schema::on(&server.url());
    let load = Load::start(&schema.url()).await;
    for round in 0..KILLS {
        // Not before something was written since the last time, and then at any moment.
        load.go_on(20 + round * 13 % 100).await;
        server.kill();
        let again = tokio::task::spawn_blocking(|| Service::up("killed"));
        again.await.unwrap();
    }
    load.assert_nothing_is_lost_or_doubled().await;
    drop(schema);
    server.down();
}
