//! Records what operators do, and shows it.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use seriatim_core::codec::encode_command;
use seriatim_core::{
    CommandGateway, CommandRequest, DecodeError, Domain, EncodeError, EventStore, Metadata,
    OperationRecord, RecordedEvent, Sequence, StoreError, StreamId, SubmitError, Timestamp,
};
use uuid::Uuid;

use super::logged::{OperationCommand, OperationDay, OperationEvent};

/// The number of events that are read at once.
const PAGE: usize = 1000;
/// The microseconds of a day.
const DAY: i64 = 24 * 60 * 60 * 1_000_000;

/// The audit trail of a store: what operators and administrators asked its servers to do. Cheap to clone.
#[derive(Clone)]
pub struct OperationTrail {
    gateway: Arc<dyn CommandGateway>,
    store: Arc<dyn EventStore>,
}

impl fmt::Debug for OperationTrail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let store = &self.store;
        let mut shown = f.debug_struct("OperationTrail");
        shown.field("store", store).finish()
    }
}

/// Something that somebody asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewOperation {
    /// Who asks; `None` if the server does it by itself.
    pub actor: Option<String>,
    /// A stable name of what is asked for.
    pub what: &'static str,
    /// What it is done to.
    pub target: String,
    /// The reason that was given.
    pub reason: Option<String>,
}

/// Something that was asked for, and is recorded.
#[derive(Clone, Copy, Debug)]
pub struct Asked {
    id: Uuid,
    day: StreamDay,
}

/// A day, as the root of its stream. Streams of later days sort after those of earlier ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct StreamDay(Uuid);

/// A place in the trail: everything before it is older.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TrailPlace {
    day: StreamDay,
    sequence: Sequence,
}

impl OperationTrail {
    /// The most bytes of a target, a reason or a failure that are kept. What is longer is cut.
    pub const MOST_TEXT: usize = 1024;

    /// Makes a trail. The gateway must be that of a coordinator which has [`OperationDay`], on this store.
    pub fn new(gateway: Arc<dyn CommandGateway>, store: Arc<dyn EventStore>) -> Self {
        Self { gateway, store }
    }

    /// Records what somebody asks for. Do it only once this has returned, so that nothing is done that is not recorded.
    pub async fn asked(&self, operation: NewOperation) -> Result<Asked, TrailError> {
        let (id, day) = (Uuid::now_v7(), StreamDay::today());
        let event = OperationEvent::Asked {
            id,
            what: operation.what.into(),
            target: cut(operation.target),
            reason: operation.reason.map(cut),
        };
        self.record(day, event, operation.actor).await?;
        Ok(Asked { id, day })
    }

    /// Records that it was not done.
    pub async fn failed(&self, asked: Asked, why: String) -> Result<(), TrailError> {
        let why = cut(why);
        let event = OperationEvent::Failed { id: asked.id, why };
        self.record(asked.day, event, None).await
    }

    /// Records that a caller, or callers who have not shown who they are, were turned away so many times.
    pub async fn turned_away(
        &self,
        principal: Option<String>,
        why: String,
        times: u64,
    ) -> Result<(), TrailError> {
        let id = Uuid::now_v7();
        let event = OperationEvent::TurnedAway { id, why, times };
        self.record(StreamDay::today(), event, principal).await
    }

    /// Returns at most `limit` records before a place, the newest first, and the place to go on from; `None` at the end.
    pub async fn list(
        &self,
        before: Option<TrailPlace>,
        limit: usize,
    ) -> Result<(Vec<OperationRecord>, Option<TrailPlace>), TrailError> {
        let mut found = Vec::new();
        for day in self.days().await?.into_iter().rev() {
            let end = match before {
                Some(before) if before.day < day => continue,
                Some(before) if before.day == day => Some(before.sequence),
                Some(_) | None => None,
            };
            for (sequence, record) in self.read(day).await?.into_iter().rev() {
                if end.is_some_and(|end| sequence >= end) {
                    continue;
                }
                found.push(record);
                if found.len() == limit {
                    return Ok((found, Some(TrailPlace { day, sequence })));
                }
            }
        }
        Ok((found, None))
    }

    async fn record(
        &self,
        day: StreamDay,
        event: OperationEvent,
        actor: Option<String>,
    ) -> Result<(), TrailError> {
        let payload = encode_command(&OperationCommand::Record { event })?;
        let request = CommandRequest {
            metadata: Metadata {
                actor,
                ..Metadata::default()
            },
            ..CommandRequest::new(day.stream(), payload)
        };
        self.gateway.submit(request).await?;
        Ok(())
    }

    /// Returns the days of which there is something, in order.
    async fn days(&self) -> Result<Vec<StreamDay>, StoreError> {
        let domain = Domain::of::<OperationDay>();
        let mut days: Vec<StreamDay> = Vec::new();
        loop {
            let after = days.last().map(|day| day.stream());
            let page = self.store.streams(Some(&domain), after.as_ref(), PAGE);
            let page = page.await?;
            days.extend(page.iter().map(|found| StreamDay(found.stream.root)));
            if page.len() < PAGE {
                return Ok(days);
            }
        }
    }

    /// Returns the records of a day, in order.
    async fn read(&self, day: StreamDay) -> Result<Vec<(Sequence, OperationRecord)>, TrailError> {
        let (mut found, mut from) = (BTreeMap::new(), Sequence::FIRST);
        loop {
            let page = self.store.read_stream(&day.stream(), from, PAGE).await?;
            for event in &page {
                add(&mut found, event)?;
            }
            match page.last() {
                Some(last) if page.len() == PAGE => from = Sequence(last.sequence.0 + 1),
                _ => break,
            }
        }
        let mut found: Vec<_> = found.into_values().collect();
        found.sort_by_key(|(sequence, _)| *sequence);
        Ok(found)
    }
}

fn cut(mut text: String) -> String {
    if text.len() > OperationTrail::MOST_TEXT {
        text.truncate(text.floor_char_boundary(OperationTrail::MOST_TEXT));
    }
    text
}

/// Adds an event of a day to its records, which are found by their ids.
fn add(
    found: &mut BTreeMap<Uuid, (Sequence, OperationRecord)>,
    event: &RecordedEvent,
) -> Result<(), TrailError> {
    let happened = event.of::<OperationDay>().transpose();
    let Some(happened) = happened.map_err(TrailError::Damaged)? else {
        return Ok(());
    };
    let record = |id, what: String, target, reason, times| OperationRecord {
        id,
        at: event.recorded_at,
        actor: event.metadata.actor.clone(),
        what,
        target,
        reason,
        times,
        failure: None,
    };
    let record = match happened {
        OperationEvent::Asked {
            id,
            what,
            target,
            reason,
        } => record(id, what, target, reason, 1),
        OperationEvent::TurnedAway { id, why, times } => {
            record(id, "turned-away".into(), why, None, times)
        }
        OperationEvent::Failed { id, why } => {
            if let Some((_, record)) = found.get_mut(&id) {
                record.failure = Some(why);
            }
            return Ok(());
        }
    };
    found.insert(record.id, (event.sequence, record));
    Ok(())
}

impl StreamDay {
    fn today() -> Self {
        let day = Timestamp::now().as_micros().div_euclid(DAY);
        // A day before 1970 is a clock that was never set.
        Self(Uuid::from_u128(u128::try_from(day).unwrap_or_default()))
    }

    fn stream(self) -> StreamId {
        StreamId::new(Domain::of::<OperationDay>(), self.0)
    }
}

impl fmt::Display for TrailPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.day.0.as_u128(), self.sequence)
    }
}

impl FromStr for TrailPlace {
    type Err = InvalidPlace;

    fn from_str(text: &str) -> Result<Self, InvalidPlace> {
        let (day, sequence) = text.split_once('/').ok_or(InvalidPlace)?;
        let day: u128 = day.parse().map_err(|_| InvalidPlace)?;
        Ok(Self {
            day: StreamDay(Uuid::from_u128(day)),
            sequence: Sequence(sequence.parse().map_err(|_| InvalidPlace)?),
        })
    }
}

/// The error for text that is no place in the trail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this is no place in the list of operations; give what came with the page before")]
pub struct InvalidPlace;

/// The reason why something is not recorded or not shown.
#[derive(Debug, thiserror::Error)]
pub enum TrailError {
    /// It could not be written.
    #[error("what operators do cannot be recorded: {0}")]
    Submit(#[from] SubmitError),
    /// It could not be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// It could not be encoded.
    #[error(transparent)]
    Encode(#[from] EncodeError),
    /// What is stored of it cannot be read.
    #[error("the record of what operators did cannot be read: {0}")]
    Damaged(DecodeError),
}
