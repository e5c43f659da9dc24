//! Finds the events and the letters of a workflow: everything with one correlation id.

use std::collections::HashSet;
use std::time::Duration;

use uuid::Uuid;

use crate::{
    Begin, Cursor, DeadLetter, Desk, Domain, LetterFilter, Log, LogPartition, OperatorError,
    RecordedEvent, Sequence, StreamId, SubscribeError, Timestamp,
};

/// The most events that one question looks at.
const LOOKED_AT: usize = 50_000;
/// The number of events that are read at once.
const READ: usize = 1000;
/// The most events of a page.
const MOST: usize = 1000;
/// The bytes of content after which a page holds no more events.
const MOST_BYTES: usize = 1024 * 1024;
/// The most letters that are looked at.
const LETTERS: usize = 1000;
/// The letters that are read at once: each may hold a whole request.
const LETTERS_AT_ONCE: usize = 10;
/// The time by which the clock that made an id may be ahead of that of the storage.
const CLOCKS: Duration = Duration::from_secs(60);

/// A part of a workflow's events.
#[derive(Clone, Debug, PartialEq)]
pub struct WorkflowPage {
    /// The correlation id.
    pub id: String,
    /// The events, in the order of the times at which they were recorded. Those of Seriatim's own domains are left out.
    pub events: Vec<RecordedEvent>,
    /// The place at which the next question goes on; `None` if the log has no more now.
    pub next: Option<Cursor>,
}

impl Log {
    /// Returns the events of a workflow that are recorded from `begin` on.
    ///
    /// Without `begin`, it looks from a minute before the time in the id, if the id is a version 7 UUID, as those are
    /// that Seriatim makes; otherwise from the first event of the log. The log has no index of workflows, so one question
    /// looks at no more than 50,000 events; its page also ends after 1,000 events or a megabyte of content.
    pub async fn workflow(
        &self,
        id: &str,
        begin: Option<Begin>,
    ) -> Result<WorkflowPage, SubscribeError> {
        let mut cursor = self.locate(&begin.unwrap_or_else(|| begin_of(id))).await?;
        let mut events: Vec<RecordedEvent> = Vec::new();
        let (mut bytes, mut left, mut is_whole) = (0, LOOKED_AT, true);
        'partitions: for partition in LogPartition::all(self.partitions()) {
            loop {
                let after = cursor.get(partition);
                let read = self.read_after(partition, &after, READ.min(left)).await?;
                left -= read.len();
                let is_end = read.len() < READ && left > 0;
                for event in read {
                    let is_of = event.metadata.correlation_id.as_deref() == Some(id)
                        && !event.stream.domain.is_own();
                    if is_of && !events.is_empty() && (events.len() == MOST || bytes > MOST_BYTES) {
                        is_whole = false;
                        break 'partitions;
                    }
                    cursor.pass(&event);
                    if is_of {
                        bytes += event.payload.data.len();
                        events.push(event);
                    }
                }
                if is_end {
                    break;
                }
                if left == 0 {
                    is_whole = false;
                    break 'partitions;
                }
            }
        }
        events.sort_by_key(|event| (event.recorded_at, event.position));
        Ok(WorkflowPage {
            id: id.to_owned(),
            events,
            next: (!is_whole).then_some(cursor),
        })
    }
}

/// Returns where the events of a workflow begin, as far as its id tells.
fn begin_of(id: &str) -> Begin {
    let made = id
        .parse::<Uuid>()
        .ok()
        .filter(|id| id.get_version_num() == 7);
    match made.and_then(|id| id.get_timestamp()) {
        Some(made) => {
            let (seconds, nanoseconds) = made.to_unix();
            let micros = seconds * 1_000_000 + u64::from(nanoseconds) / 1000;
            let micros = micros.saturating_sub(u64::try_from(CLOCKS.as_micros()).unwrap_or(0));
            Begin::Since(Timestamp::from_micros(
                i64::try_from(micros).unwrap_or(i64::MAX),
            ))
        }
        None => Begin::AtTheFirst,
    }
}

impl Desk {
    /// Returns the letters of a workflow, open and closed, the latest first: its commands that were parked, and those of
    /// the events of this page that a component gave up. Letters of domains for which `may_see` is false are left out.
    ///
    /// There is no index of workflows, so it looks at the latest 1,000 letters and no others.
    pub async fn letters_of(
        &self,
        page: &WorkflowPage,
        may_see: impl Fn(&Domain) -> bool,
    ) -> Result<Vec<DeadLetter>, OperatorError> {
        let events: HashSet<(&StreamId, Sequence)> = (page.events.iter())
            .map(|event| (&event.stream, event.sequence))
            .collect();
        let is_of = |letter: &DeadLetter| match letter {
            DeadLetter::Command(letter) => letter.workflow() == page.id,
            DeadLetter::Reaction(letter) => events.contains(&(&letter.stream, letter.sequence)),
        };
        let mut filter = LetterFilter {
            latest_first: true,
            ..LetterFilter::default()
        };
        let mut found = Vec::new();
        for _ in 0..LETTERS / LETTERS_AT_ONCE {
            let letters = self.letters(&filter, LETTERS_AT_ONCE).await?;
            let is_last = letters.len() < LETTERS_AT_ONCE;
            filter.after = letters.last().map(DeadLetter::id);
            let of = |letter: &DeadLetter| may_see(&letter.stream().domain) && is_of(letter);
            found.extend(letters.into_iter().filter(of));
            if is_last {
                break;
            }
        }
        Ok(found)
    }
}
