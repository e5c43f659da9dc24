//! Checks what the program's log tells those who run it, at `info`: each change once, with its reason.

use std::collections::BTreeSet;
use std::error::Error;
use std::io::{self, Write};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use seriatim::core::{EventFilter, Store, StoreErrorKind};
use seriatim::prelude::*;
use seriatim::{
    AppBuilder, BackOff, Begin, Decision, FailurePolicy, LetterFilter, LetterStatus, Projector,
    ReactionSettings, Verb, open_store,
};
use seriatim_testkit::faults::{FaultyStore, Interruption};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;

#[derive(Event, Serialize, Deserialize, Clone, Debug, PartialEq)]
struct Rung {
    text: String,
}

#[derive(Command, Serialize, Deserialize, Clone, Debug)]
enum Do {
    Ring { text: String },
}

#[derive(Default, Clone, PartialEq, Serialize, Deserialize)]
struct Bell;

impl Aggregate for Bell {
    const DOMAIN: &'static str = "bell";
    type Command = Do;
    type Event = Rung;
    type Rejection = Never;

    fn decide(&self, Do::Ring { text }: &Do) -> Result<Vec<Rung>, Never> {
        Ok(vec![Rung { text: text.clone() }])
    }

    fn evolve(&mut self, _: &Rung) {}
}

/// The bells that nobody complains of any more.
static MENDED: Mutex<BTreeSet<Uuid>> = Mutex::new(BTreeSet::new());

/// Complains of what was rung, in the words of the ringer.
struct Complains;

impl Projector for Complains {
    async fn project(&self, events: &[&RecordedEvent]) -> Result<(), Box<dyn Error + Send + Sync>> {
        for event in events {
            let is_mended = MENDED.lock().unwrap().contains(&event.stream.root);
            if let Some(rung) = event.of::<Bell>()
                && !is_mended
            {
                return Err(rung?.text.into());
            }
        }
        Ok(())
    }
}

/// The lines that are logged, as a terminal would show them.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Write for Lines {
    fn write(&mut self, text: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(text);
        Ok(text.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Lines {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

impl Lines {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }

    /// Returns how many lines have all of these parts.
    fn count(&self, parts: &[&str]) -> usize {
        let text = self.text();
        let has_all = |line: &&str| parts.iter().all(|part| line.contains(part));
        text.lines().filter(has_all).count()
    }

    async fn until(&self, parts: &[&str]) {
        let wait = async {
            while self.count(parts) == 0 {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        let waited = tokio::time::timeout(Duration::from_secs(60), wait).await;
        assert!(waited.is_ok(), "no line with {parts:?} in\n{}", self.text());
    }
}

fn building(store: &Arc<dyn Store>, owner: &str) -> AppBuilder {
    let settings = ReactionSettings {
        owner: owner.into(),
        lease: Duration::from_millis(300),
        ..ReactionSettings::default()
    };
    App::on(Arc::clone(store))
        .aggregate::<Bell>()
        .reaction_settings(settings)
}

fn complaining(app: AppBuilder) -> AppBuilder {
    let at_once = |policy| FailurePolicy {
        back_off: BackOff {
            retries: 0,
            ..BackOff::default()
        },
        ..policy
    };
    let skipping = FailurePolicy {
        skip: vec!["Rung".into()],
        ..FailurePolicy::park()
    };
    let until_it_is_mended = FailurePolicy {
        back_off: BackOff {
            first: Duration::from_millis(5),
            longest: Duration::from_millis(50),
            retries: u32::MAX,
        },
        ..FailurePolicy::pause()
    };
    app.projector("parking", EventFilter::default(), Complains)
        .projector("pausing", EventFilter::default(), Complains)
        .projector("retrying", EventFilter::default(), Complains)
        .projector("skipping", EventFilter::default(), Complains)
        .failure_policy("parking", at_once(FailurePolicy::park()))
        .failure_policy("pausing", at_once(FailurePolicy::pause()))
        .failure_policy("retrying", until_it_is_mended)
        .failure_policy("skipping", at_once(skipping))
}

/// One program of its own, because a subscriber is for all of it.
#[tokio::test]
async fn the_log_tells_what_happens_and_why() {
    let lines = Lines::default();
    tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::new("info"))
        .with_ansi(false)
        .with_writer(lines.clone())
        .init();
    let store = open_store("memory:").await.unwrap();
    lines
        .until(&["INFO", "the store is open", "MemoryStore"])
        .await;
    let faulty = FaultyStore::new(store);
    let store: Arc<dyn Store> = Arc::new(faulty.clone());
    let app = complaining(building(&store, "first")).listen("127.0.0.1:0");
    let app = app.start().await.unwrap();
    let address = app.address().unwrap().to_string();
    lines.until(&["INFO", "started", "bell", &address]).await;
    for component in ["parking/0", "pausing/0", "skipping/0"] {
        lines
            .until(&[
                "INFO",
                "has taken the work",
                component,
                "after=0",
                "nobody had it",
            ])
            .await;
    }

    let root = Uuid::now_v7();
    let text = "too\u{1b}[2J loud\nERROR forged\u{202e}".to_owned();
    let ring = Do::Ring { text };
    app.of::<Bell>(root).send(ring.clone()).await.unwrap();
    let (stream, reason) = (format!("stream=bell/{root}"), "reason=\"too");
    let of_it = [stream.as_str(), "sequence=0", reason];
    lines
        .until(&[&["WARN", "parked", "parking/0", "letter="], &of_it[..]].concat())
        .await;
    lines
        .until(&[&["WARN", "paused", "pausing/0"], &of_it[..]].concat())
        .await;
    assert_eq!(lines.count(&["paused", "pausing/0"]), 1);
    // The pause is recorded by then, or the checkpoints would not be listed.
    faulty.interrupt("list the checkpoints", 1, Interruption::Refused);
    let looks_again = ["WARN", "looking for a resume again later", "pausing/0"];
    lines.until(&looks_again).await;
    assert_eq!(lines.count(&["the pause could not be recorded"]), 0);
    lines
        .until(&[&["WARN", "skipped", "skipping/0"], &of_it[..]].concat())
        .await;
    lines
        .until(&["WARN", "failed", "retrying/0", "tried=1", &stream])
        .await;
    assert!(!lines.text().contains(['\u{1b}', '\u{202e}']));
    assert_eq!(lines.count(&["ERROR"]), lines.count(&["ERROR forged"]));
    assert!(!lines.text().lines().any(|line| line.starts_with("ERROR")));

    // Parked again, and then handled.
    let waiting = LetterFilter {
        status: Some(LetterStatus::Parked),
        ..LetterFilter::default()
    };
    let letters = app.desk().letters(&waiting, 9).await.unwrap();
    let decision = Decision {
        letter: letters[0].id(),
        action: Verb::Resubmit.into(),
        actor: Some("Ann\u{7}".into()),
        reason: Some("it was mended".into()),
    };
    app.desk().decide(&decision).await.unwrap();
    let decided = [
        "INFO",
        "a letter was decided about",
        "resubmit",
        "Ann",
        "it was mended",
    ];
    lines.until(&decided).await;
    MENDED.lock().unwrap().insert(root);
    app.reactions()
        .resume(&"pausing".parse().unwrap())
        .await
        .unwrap();
    lines.until(&["WARN", "resumed", "pausing/0"]).await;
    lines
        .until(&["WARN", "goes on", "retrying/0", &stream])
        .await;
    let (skipping, first) = ("skipping".parse().unwrap(), Begin::AtTheFirst);
    app.reactions().begin(&skipping, &first).await.unwrap();
    let given_up = ["INFO", "gives the work up", "skipping/0", "begins anew"];
    lines.until(&given_up).await;

    let stale = app.of::<Bell>(root).send(ring).expecting(NoStream);
    stale.merge(MergeStrategy::Manual).await.unwrap();
    lines
        .until(&["INFO", "a command was parked", &stream, "manual merge"])
        .await;

    faulty.go_down(StoreErrorKind::Unavailable);
    lines
        .until(&["WARN", "waiting for the store", "pausing/0"])
        .await;
    faulty.come_back();
    lines
        .until(&["WARN", "the store answers again", "pausing/0"])
        .await;
    // Once, however often it was tried.
    let waiting = ["WARN", "waiting for the store", "pausing/0"];
    let again = ["WARN", "the store answers again", "pausing/0"];
    assert_eq!(lines.count(&waiting), lines.count(&again));

    let second = complaining(building(&store, "second"))
        .start()
        .await
        .unwrap();
    let standing_by = ["INFO", "stands by", "owner=\"first\""];
    lines.until(&standing_by).await;
    app.shutdown().await.unwrap();
    lines.until(&["INFO", "ending"]).await;
    lines.until(&["INFO", "stopped", "pausing/0"]).await;
    let taken = [
        "INFO",
        "has taken the work",
        "pausing/0",
        "after=1",
        "first has let it go",
    ];
    lines.until(&taken).await;
    second.shutdown().await.unwrap();
}
