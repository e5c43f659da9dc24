//! Checks what Prometheus reads of an application, over a real socket, and what the documentation says of it.

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use metrics::{
    Counter, Gauge, Histogram, Key, KeyName, Metadata, Recorder, SharedString, Unit,
    with_local_recorder,
};
use serde::{Deserialize, Serialize};
use seriatim::core::{DecodeError, EventFilter};
use seriatim::prelude::*;
use seriatim::{AuditSettings, Projector, StartAppError, open_store};
use seriatim_testkit::faults::FaultyStore;
use seriatim_testkit::until;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

#[derive(Event, Serialize, Deserialize, Clone, Debug, PartialEq)]
enum Happened {
    Added { count: u32 },
}

#[derive(Command, Serialize, Deserialize, Clone, Debug)]
enum Do {
    Add { count: u32 },
}

#[derive(Default, Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Counted {
    total: u32,
}

impl Aggregate for Counted {
    const DOMAIN: &'static str = "counter";
    type Command = Do;
    type Event = Happened;
    type Rejection = Never;

    fn decide(&self, Do::Add { count }: &Do) -> Result<Vec<Happened>, Never> {
        Ok(vec![Happened::Added { count: *count }])
    }

    fn evolve(&mut self, Happened::Added { count }: &Happened) {
        self.total += count;
    }
}

/// Fails on what is too much.
struct Cautious;

impl Projector for Cautious {
    async fn project(&self, events: &[&RecordedEvent]) -> Result<(), Box<dyn Error + Send + Sync>> {
        for event in events {
            if let Some(Ok(Happened::Added { count: 13 })) = event.of::<Counted>() {
                return Err("13 is too much".into());
            }
        }
        Ok(())
    }
}

/// Wants to be woken by every addition, which nobody does here.
#[derive(Default, Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Sleeper;

impl ProcessManager for Sleeper {
    const NAME: &'static str = "sleeper";
    type Input = Happened;

    fn filter() -> EventFilter {
        EventFilter::default()
    }

    fn correlate(recorded: &RecordedEvent) -> Result<Option<(Uuid, Happened)>, DecodeError> {
        let happened = recorded.of::<Counted>().transpose()?;
        Ok(happened.map(|happened| (recorded.stream.root, happened)))
    }

    fn decide(&self, trigger: &Trigger<Happened>, plan: &mut Plan) {
        if let Trigger::Input(Happened::Added { count }) = trigger {
            plan.set_timer(&count.to_string(), Duration::ZERO);
        }
    }

    fn evolve(&mut self, _: &Trigger<Happened>) {}
}

async fn timers_that_nobody_rings_are_seen_to_be_overdue() {
    let store = FaultyStore::new(open_store("memory:").await.unwrap());
    store.hold_timers();
    let app = App::on(Arc::new(store.clone()))
        .aggregate::<Counted>()
        .process_manager::<Sleeper>()
        .metrics("127.0.0.1:0");
    let app = app.start().await.unwrap();
    let overdue = r#"seriatim_timers_overdue{process_manager="sleeper"}"#;
    let oldest = r#"seriatim_timers_overdue_oldest_seconds{process_manager="sleeper"}"#;
    let lines = scrape(&app).await;
    assert_eq!((lines[overdue], lines[oldest]), (0.0, 0.0));
    for count in 0..3 {
        let add = app.of::<Counted>(Uuid::now_v7()).send(Do::Add { count });
        add.await.unwrap();
    }
    until("the timers are overdue", async || {
        scrape(&app).await[overdue] >= 3.0
    })
    .await;
    let lines = scrape(&app).await;
    assert!(lines[oldest] > 0.0, "{lines:#?}");
    assert_is_documented(&lines);
    store.let_timers_ring();
    until("no timer is overdue", async || {
        scrape(&app).await[overdue] <= 0.0
    })
    .await;
    assert_eq!(scrape(&app).await[oldest], 0.0);
    app.shutdown().await.unwrap();
}

/// Each line of an answer: a metric with its labels, and its value.
type Lines = BTreeMap<String, f64>;

async fn get(app: &App, path: &str) -> (String, Lines) {
    let address = app.metrics_address().unwrap();
    let mut connection = TcpStream::connect(address).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    connection.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    connection.read_to_string(&mut answer).await.unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let lines = body.lines().filter(|line| line.starts_with("seriatim_"));
    let lines = lines.map(|line| {
        let (name, value) = line.rsplit_once(' ').unwrap();
        (name.to_owned(), value.parse().unwrap())
    });
    (head.to_owned(), lines.collect())
}

async fn scrape(app: &App) -> Lines {
    get(app, "/metrics").await.1
}

/// All of it in one test, because a process counts in one place.
#[tokio::test(flavor = "multi_thread")]
async fn what_happens_is_counted_and_served() {
    let audit = AuditSettings {
        every: Duration::from_millis(1),
        ..AuditSettings::default()
    };
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}", folder.path().join("app.db").display());
    let app = App::open(&url)
        .await
        .unwrap()
        .aggregate::<Counted>()
        .projector("cautious", EventFilter::default(), Cautious)
        .audit(audit)
        .metrics("127.0.0.1:0")
        .start()
        .await
        .unwrap();
    let root = Uuid::now_v7();
    let add = |count| app.of::<Counted>(root).send(Do::Add { count });
    add(1).wait_for("cautious").await.unwrap();
    add(2).expecting(0).external_id("2").await.unwrap();
    add(2).expecting(0).external_id("2").await.unwrap();
    add(3).expecting(0).merge(Commutative).await.unwrap();
    add(4).expecting(0).merge(Strict).await.unwrap_err();
    add(4).expecting(0).merge(Manual).await.unwrap();
    let fact = app
        .of::<Counted>(root)
        .record(Happened::Added { count: 5 }, "till", "5");
    fact.wait_for("cautious").await.unwrap();

    let commands = |outcome: &str, strategy: &str| {
        let labels = format!(r#"domain="counter",outcome="{outcome}",strategy="{strategy}""#);
        format!("seriatim_commands_total{{{labels}}}")
    };
    let work = r#"{component="cautious",partition="0",share="0"}"#;
    let (head, lines) = get(&app, "/metrics").await;
    assert!(head.starts_with("HTTP/1.1 200 OK"), "{head}");
    assert!(
        head.contains("content-type: text/plain; version=0.0.4"),
        "{head}"
    );
    for (line, value) in [
        (commands("committed", "MERGE_COMMUTATIVE"), 2.0),
        (commands("duplicate", "MERGE_COMMUTATIVE"), 1.0),
        (commands("merged", "MERGE_COMMUTATIVE"), 1.0),
        (commands("conflict", "MERGE_STRICT"), 1.0),
        (commands("dead_lettered", "MERGE_MANUAL"), 1.0),
        (
            r#"seriatim_facts_total{domain="counter",outcome="committed"}"#.into(),
            1.0,
        ),
        ("seriatim_dead_letters".into(), 1.0),
        ("seriatim_store_up".into(), 1.0),
        ("seriatim_queue_places_used".into(), 0.0),
        (r#"seriatim_log_position{partition="0"}"#.into(), 4.0),
        (format!("seriatim_reaction_position{work}"), 4.0),
        (format!("seriatim_reaction_lag_events{work}"), 0.0),
        (format!("seriatim_reaction_lag_seconds{work}"), 0.0),
        (format!("seriatim_reaction_parked_streams{work}"), 0.0),
        (
            r#"seriatim_reaction_events_total{component="cautious"}"#.into(),
            4.0,
        ),
    ] {
        assert_eq!(lines.get(&line), Some(&value), "{line} of {lines:#?}");
    }
    let commits = lines["seriatim_append_duration_seconds_count"];
    assert_eq!(lines["seriatim_commit_appends_count"], commits);
    assert!(commits >= 5.0);
    let buckets = r#"seriatim_commit_appends_bucket{le="+Inf"}"#;
    assert_eq!(lines[buckets], commits);

    // What fails is tried again, and meanwhile its stream waits.
    add(13).await.unwrap();
    let failures = r#"seriatim_reaction_failures_total{component="cautious"}"#;
    let tried_again = async || {
        let lines = scrape(&app).await;
        lines.get(failures).is_some_and(|failures| *failures >= 2.0)
    };
    until("it is tried again", tried_again).await;
    let lines = scrape(&app).await;
    assert_eq!(
        lines[&format!("seriatim_reaction_parked_streams{work}")],
        1.0
    );
    assert_eq!(lines[&format!("seriatim_reaction_lag_events{work}")], 0.0);
    let verified = r#"seriatim_audit_verified_position{partition="0"}"#;
    until("all is verified", async || {
        scrape(&app).await.get(verified) == Some(&5.0)
    })
    .await;
    assert_is_documented(&scrape(&app).await);

    let (head, _) = get(&app, "/").await;
    assert!(head.starts_with("HTTP/1.1 404"), "{head}");
    // A second application of the process counts in the same place.
    let other = App::open("memory:").await.unwrap().metrics("127.0.0.1:0");
    let other = other.start().await.unwrap();
    assert_eq!(
        scrape(&other).await[&commands("merged", "MERGE_COMMUTATIVE")],
        1.0
    );
    let taken = other.metrics_address().unwrap().to_string();
    let third = App::open("memory:").await.unwrap().metrics(taken).start();
    assert!(matches!(third.await, Err(StartAppError::Listen { .. })));
    other.shutdown().await.unwrap();
    app.shutdown().await.unwrap();
    let gone = TcpStream::connect(app.metrics_address().unwrap()).await;
    assert!(gone.is_err());
    timers_that_nobody_rings_are_seen_to_be_overdue().await;
}

/// A row of the table of metrics: its kind, and the names of its labels.
type Row = (String, BTreeSet<String>);

fn documented() -> BTreeMap<String, Row> {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/operating.md");
    let page = std::fs::read_to_string(page).unwrap();
    let rows = page.lines().filter(|line| line.starts_with("| `seriatim_"));
    let row = |line: &str| {
        let cells: Vec<_> = line.split('|').map(str::trim).collect();
        let labels = cells[3].split(',').map(|label| label.trim().to_owned());
        let labels = labels.filter(|label| !label.is_empty()).collect();
        (
            cells[1].trim_matches('`').to_owned(),
            (cells[2].to_owned(), labels),
        )
    };
    rows.map(row).collect()
}

/// Every line belongs to a row, and has the labels that it says.
fn assert_is_documented(lines: &Lines) {
    let documented = documented();
    for line in lines.keys() {
        let (name, labels) = line.split_once('{').unwrap_or((line, "}"));
        let of_histogram = ["_bucket", "_sum", "_count"].into_iter();
        let family = of_histogram
            .filter_map(|suffix| name.strip_suffix(suffix))
            .find(|family| documented.contains_key(*family))
            .unwrap_or(name);
        let (_, expected) = documented.get(family).expect(line);
        let labels = labels.trim_end_matches('}').split(',');
        let labels = labels.filter_map(|label| Some(label.split_once('=')?.0.to_owned()));
        let labels: BTreeSet<_> = labels.filter(|label| label != "le").collect();
        assert_eq!(labels, *expected, "{line}");
    }
}

/// Keeps what is said of each metric.
#[derive(Default)]
struct Described(Mutex<BTreeMap<String, String>>);

impl Described {
    fn note(&self, name: &KeyName, kind: &str) {
        let mut all = self.0.lock().unwrap();
        let twice = all.insert(name.as_str().into(), kind.into());
        assert_eq!(twice, None, "{} is described twice", name.as_str());
    }
}

impl Recorder for Described {
    fn describe_counter(&self, name: KeyName, _: Option<Unit>, _: SharedString) {
        self.note(&name, "counter");
    }

    fn describe_gauge(&self, name: KeyName, _: Option<Unit>, _: SharedString) {
        self.note(&name, "gauge");
    }

    fn describe_histogram(&self, name: KeyName, _: Option<Unit>, _: SharedString) {
        self.note(&name, "histogram");
    }

    fn register_counter(&self, _: &Key, _: &Metadata<'_>) -> Counter {
        Counter::noop()
    }

    fn register_gauge(&self, _: &Key, _: &Metadata<'_>) -> Gauge {
        Gauge::noop()
    }

    fn register_histogram(&self, _: &Key, _: &Metadata<'_>) -> Histogram {
        Histogram::noop()
    }
}

#[test]
fn the_page_lists_every_metric_and_no_other() {
    let described = Described::default();
    with_local_recorder(&described, || {
        seriatim::describe_metrics();
        #[cfg(feature = "live")]
        seriatim_live::describe_metrics();
    });
    let described = described.0.into_inner().unwrap();
    let documented = documented().into_iter();
    let documented = documented
        .filter(|(name, _)| cfg!(feature = "live") || !name.starts_with("seriatim_live_"));
    let documented: BTreeMap<_, _> = documented.map(|(name, (kind, _))| (name, kind)).collect();
    assert_eq!(documented, described, "docs/operating.md, and the code");
}
