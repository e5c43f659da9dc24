//! Reports the metrics of a coordinator through the facade `metrics`.
//!
//! A counter or histogram is looked up once and kept: counting is then an atomic addition, and nothing at all if no
//! recorder was installed when it was first used.

use std::sync::OnceLock;
use std::time::Duration;

use metrics::{Counter, Histogram, Unit};
use seriatim_core::{Domain, MergeStrategy, Outcome, Receipt, SubmitError, Timestamp};

const COMMANDS: &str = "seriatim_commands_total";
const FACTS: &str = "seriatim_facts_total";
const HANDED_BACK: &str = "seriatim_handed_back_total";
const DURATION: &str = "seriatim_request_duration_seconds";
const CONFLICTS: &str = "seriatim_conflicts_total";
const CACHE: &str = "seriatim_cache_requests_total";
const CACHED: &str = "seriatim_cached_aggregates";
const CACHED_BYTES: &str = "seriatim_cached_bytes";
const APPENDS: &str = "seriatim_append_duration_seconds";
const FAILED: &str = "seriatim_append_failures_total";
const LOST_RACES: &str = "seriatim_append_conflicts_total";
const LETTERS_WAITING: &str = "seriatim_dead_letters";
const LETTERS_OLDEST: &str = "seriatim_dead_letters_oldest_seconds";
const QUEUE_USED: &str = "seriatim_queue_places_used";
const QUEUE: &str = "seriatim_queue_places";
const QUEUE_BYTES_USED: &str = "seriatim_queue_bytes_used";
const QUEUE_BYTES: &str = "seriatim_queue_bytes";

/// The most waiting letters that are counted: each holds a whole request.
pub(crate) const LETTERS: usize = 100;

/// Describes each metric of a coordinator to the installed recorder.
pub fn describe_metrics() {
    use metrics::{describe_counter, describe_gauge, describe_histogram};
    describe_counter!(
        COMMANDS,
        Unit::Count,
        "Commands answered, by outcome and strategy"
    );
    describe_counter!(FACTS, Unit::Count, "Facts answered, by outcome");
    describe_counter!(
        HANDED_BACK,
        Unit::Count,
        "Rejected effects of reactions that were handed back to their source, by outcome"
    );
    describe_histogram!(
        DURATION,
        Unit::Seconds,
        "Time of a request from its stream's queue to the durable answer, without its preparation"
    );
    describe_counter!(
        CONFLICTS,
        Unit::Count,
        "Expectations that were wrong, by strategy and result"
    );
    describe_counter!(CACHE, Unit::Count, "States asked of the cache, by result");
    describe_gauge!(CACHED, Unit::Count, "States in the cache");
    describe_gauge!(
        CACHED_BYTES,
        Unit::Bytes,
        "Estimated memory of the states in the cache"
    );
    describe_histogram!(
        seriatim_core::COMMIT_APPENDS,
        Unit::Count,
        "Appends in one commit of a SQL store"
    );
    describe_histogram!(
        APPENDS,
        Unit::Seconds,
        "Time that the store took to append what a round of a stream had decided"
    );
    describe_counter!(
        FAILED,
        Unit::Count,
        "Appends of rounds that failed, by whether it is known that nothing was written"
    );
    describe_counter!(
        LOST_RACES,
        Unit::Count,
        "Appends that lost against another writer, and whose commands were decided again"
    );
    describe_gauge!(
        QUEUE_USED,
        Unit::Count,
        "Places in the queue that are taken"
    );
    describe_gauge!(
        LETTERS_WAITING,
        Unit::Count,
        "Commands that are parked as dead letters; 100 stands for 100 or more"
    );
    describe_gauge!(
        LETTERS_OLDEST,
        Unit::Seconds,
        "Time that the oldest parked command has waited"
    );
    describe_gauge!(QUEUE, Unit::Count, "Places in the queue");
    describe_gauge!(
        QUEUE_BYTES_USED,
        Unit::Bytes,
        "Estimated memory of the payloads in the queue"
    );
    describe_gauge!(
        QUEUE_BYTES,
        Unit::Bytes,
        "Memory that the payloads in the queue may take"
    );
}

/// The kind of a request.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Asked {
    /// A command, with its strategy if that is known yet.
    Command(Option<MergeStrategy>),
    Fact,
    HandBack,
}

impl Asked {
    const COUNT: usize = 7;

    fn index(self) -> usize {
        match self {
            Self::Command(None) => 0,
            Self::Command(Some(MergeStrategy::Commutative)) => 1,
            Self::Command(Some(MergeStrategy::Strict)) => 2,
            Self::Command(Some(MergeStrategy::AggregateHandles)) => 3,
            Self::Command(Some(MergeStrategy::Manual)) => 4,
            Self::Fact => 5,
            Self::HandBack => 6,
        }
    }
}

/// The outcomes: the index of each, and its label.
const OUTCOMES: [&str; 18] = [
    "committed",
    "merged",
    "unchanged",
    "duplicate",
    "dead_lettered",
    "invalid",
    "unknown_domain",
    "conflict",
    "beyond_current",
    "contended",
    "rejected",
    "external_id_reused",
    "effect_not_accepted",
    "overloaded",
    "unavailable",
    "store_failed",
    "stream_full",
    "broken",
];

fn outcome(answer: Result<&Receipt, &SubmitError>) -> usize {
    match answer {
        Ok(receipt) => match &receipt.outcome {
            Outcome::Committed(commit) => usize::from(commit.merged),
            Outcome::Unchanged { .. } => 2,
            Outcome::Duplicate(_) => 3,
            Outcome::DeadLettered { .. } => 4,
        },
        Err(error) => match error {
            SubmitError::Invalid(_) => 5,
            SubmitError::UnknownDomain { .. } => 6,
            SubmitError::Conflict(_) => 7,
            SubmitError::BeyondCurrent { .. } => 8,
            SubmitError::Contended { .. } => 9,
            SubmitError::Rejected(_) => 10,
            SubmitError::ExternalIdReused { .. } => 11,
            SubmitError::EffectNotAccepted { .. } => 12,
            SubmitError::Overloaded { .. } => 13,
            SubmitError::Unavailable { .. } | SubmitError::ShuttingDown => 14,
            SubmitError::StoreFailed(_) => 15,
            SubmitError::StreamFull { .. } => 16,
            SubmitError::Broken { .. } => 17,
        },
    }
}

/// The metrics of one domain.
pub(crate) struct DomainMeter {
    domain: String,
    answers: [[OnceLock<Counter>; OUTCOMES.len()]; Asked::COUNT],
    durations: OnceLock<Histogram>,
    cache: [OnceLock<Counter>; 2],
}

impl DomainMeter {
    pub(crate) fn new(domain: &Domain) -> Self {
        Self {
            domain: domain.to_string(),
            answers: Default::default(),
            durations: OnceLock::new(),
            cache: Default::default(),
        }
    }

    /// Counts a request that was not admitted.
    pub(crate) fn refused(&self, asked: Asked, error: &SubmitError) {
        self.count(asked, outcome(Err(error)));
    }

    /// Counts the answer to a request that was admitted.
    pub(crate) fn answered(
        &self,
        asked: Asked,
        answer: &Result<Receipt, SubmitError>,
        took: Duration,
    ) {
        self.count(asked, outcome(answer.as_ref()));
        let durations = || metrics::histogram!(DURATION, "domain" => self.domain.clone());
        self.durations.get_or_init(durations).record(took);
    }

    fn count(&self, asked: Asked, outcome: usize) {
        let counter = || {
            let (domain, outcome) = (self.domain.clone(), OUTCOMES[outcome]);
            match asked {
                Asked::Command(strategy) => {
                    let strategy = strategy.map_or("unknown", MergeStrategy::as_str);
                    metrics::counter!(COMMANDS, "domain" => domain, "outcome" => outcome, "strategy" => strategy)
                }
                Asked::Fact => metrics::counter!(FACTS, "domain" => domain, "outcome" => outcome),
                Asked::HandBack => {
                    metrics::counter!(HANDED_BACK, "domain" => domain, "outcome" => outcome)
                }
            }
        };
        let slot = &self.answers[asked.index()][outcome];
        slot.get_or_init(counter).increment(1);
    }

    /// Counts a lookup of a state in the cache.
    pub(crate) fn looked_for_state(&self, was_there: bool) {
        let result = if was_there { "hit" } else { "miss" };
        let counter =
            || metrics::counter!(CACHE, "domain" => self.domain.clone(), "result" => result);
        self.cache[usize::from(was_there)]
            .get_or_init(counter)
            .increment(1);
    }

    /// Reports how many states are kept now.
    pub(crate) fn keeps_states(&self, count: usize) {
        metrics::gauge!(CACHED, "domain" => self.domain.clone()).set(number(count));
    }
}

/// Counts a wrong expectation. This is rare, so the counter is looked up each time.
pub(crate) fn conflict(domain: &Domain, strategy: MergeStrategy, resolution: &'static str) {
    metrics::counter!(
        CONFLICTS,
        "domain" => domain.to_string(),
        "strategy" => strategy.as_str(),
        "resolution" => resolution
    )
    .increment(1);
}

/// Reports the memory of the states of all domains.
pub(crate) fn cached_bytes(bytes: u64) {
    metrics::gauge!(CACHED_BYTES).set(number(usize::try_from(bytes).unwrap_or(usize::MAX)));
}

/// Reports how full the queue is.
pub(crate) fn queue(used: usize, places: usize) {
    metrics::gauge!(QUEUE_USED).set(number(used));
    metrics::gauge!(QUEUE).set(number(places));
}

/// Reports the memory of the payloads in the queue.
pub(crate) fn queue_bytes(used: usize, bytes: usize) {
    metrics::gauge!(QUEUE_BYTES_USED).set(number(used));
    metrics::gauge!(QUEUE_BYTES).set(number(bytes));
}

/// Reports how many letters wait, and since when the first has waited.
pub(crate) fn letters(count: usize, first: Option<Timestamp>) {
    let waited = first.map(|first| Timestamp::now().since(first));
    metrics::gauge!(LETTERS_WAITING).set(number(count));
    metrics::gauge!(LETTERS_OLDEST).set(waited.unwrap_or_default().as_secs_f64());
}

#[expect(
    clippy::cast_precision_loss,
    reason = "gauges are numbers of this kind"
)]
fn number(count: usize) -> f64 {
    count as f64
}

/// The metrics of commits.
#[derive(Debug)]
pub(crate) struct CommitMeter {
    durations: Histogram,
    lost_races: Counter,
}

impl CommitMeter {
    pub(crate) fn new() -> Self {
        Self {
            durations: metrics::histogram!(APPENDS),
            lost_races: metrics::counter!(LOST_RACES),
        }
    }

    /// Counts an answer of the store.
    pub(crate) fn answered(&self, took: Duration) {
        self.durations.record(took);
    }

    /// Counts an append that was decided on a state which another writer has changed.
    pub(crate) fn lost_race(&self) {
        self.lost_races.increment(1);
    }

    pub(crate) fn failed(&self, outcome: &'static str) {
        metrics::counter!(FAILED, "outcome" => outcome).increment(1);
    }
}
