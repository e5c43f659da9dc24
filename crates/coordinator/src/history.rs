//! Builds states from the log: loads, decodes and folds.

use seriatim_core::{
    Aggregate, Fault, Fingerprint, Load, Loaded, Log, Message, Payload, RecordedEvent, Sequence,
    StoreError, StreamId,
};
use uuid::Uuid;

use crate::beside::beside;
use crate::guard::guarded;
use crate::state_size::StateSize;

/// A state and the sequence of its last event.
#[derive(Clone, Debug)]
pub(crate) struct Standing<A> {
    pub(crate) state: A,
    pub(crate) current: Option<Sequence>,
    /// The id of the event at that sequence: a restored log may have another event there.
    pub(crate) last: Option<Uuid>,
    /// The sequence of the newest snapshot that this state knows of.
    pub(crate) snapshot: Option<Sequence>,
    /// The size of the state, for the cache.
    pub(crate) size: StateSize,
}

impl<A: Aggregate> Standing<A> {
    /// Makes the state before the first event.
    pub(crate) fn new() -> Self {
        Self {
            state: A::default(),
            current: None,
            last: None,
            snapshot: None,
            size: StateSize::default(),
        }
    }
}

/// The reason why there is no state.
#[derive(Debug)]
pub(crate) enum Trouble {
    Store(StoreError),
    Fault(Fault),
}

impl From<StoreError> for Trouble {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<Fault> for Trouble {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

/// The number of events that are read from the store at once.
const PAGE: usize = 512;

/// Returns the state after `through`, or the current one. A shorter stream gives the state after its last event.
pub(crate) async fn load<A: Aggregate>(
    log: &Log,
    stream: &StreamId,
    through: Option<Sequence>,
) -> Result<Standing<A>, Trouble> {
    let mut load = Load {
        stream: stream.clone(),
        through,
        snapshots: Some(Fingerprint::of::<A>()),
    };
    let loaded = log.load(load.clone()).await?;
    if let Some(standing) = build(loaded).await? {
        return Ok(standing);
    }
    tracing::warn!(%stream, "a snapshot was made by another form of the state and is ignored");
    load.snapshots = None;
    let standing = build(log.load(load).await?).await?;
    Ok(standing.expect("without a snapshot there is none to be ignored"))
}

/// The bytes of events up to which a state is built on a worker of the runtime.
const MUCH: usize = 32 * 1024;

/// Builds the state. Returns `None` if its snapshot cannot be used.
async fn build<A: Aggregate>(loaded: Loaded) -> Result<Option<Standing<A>>, Trouble> {
    let snapshot = loaded.snapshot.as_ref();
    let payloads = loaded.payloads.iter().map(|payload| payload.data.len());
    let bytes = payloads.sum::<usize>() + snapshot.map_or(0, |snapshot| snapshot.state.len());
    match bytes > MUCH {
        true => beside(move || replay(loaded)).await?,
        false => replay(loaded),
    }
}

fn replay<A: Aggregate>(loaded: Loaded) -> Result<Option<Standing<A>>, Trouble> {
    let mut state = A::default();
    let mut size = StateSize::default();
    if let Some(snapshot) = &loaded.snapshot {
        size.grow(snapshot.state.len());
        // A snapshot that panics counts as one that does not decode.
        match guarded("deserialize", || snapshot.restore::<A>()) {
            Ok(Some(restored)) => state = restored,
            Ok(None) | Err(_) => return Ok(None),
        }
    }
    let snapshot = loaded.snapshot.map(|snapshot| snapshot.sequence);
    let mut current = snapshot;
    for payload in loaded.payloads {
        let sequence = next(current)?;
        size.grow(payload.data.len());
        if let Some(event) = decode::<A>(sequence, &payload)? {
            guarded("evolve", || state.evolve(&event))?;
        }
        current = Some(sequence);
    }
    Ok(Some(Standing {
        state,
        current,
        last: loaded.last,
        snapshot,
        size,
    }))
}

fn next(current: Option<Sequence>) -> Result<Sequence, Fault> {
    Sequence::after(current).map_err(|full| Fault::Undecodable {
        sequence: Sequence::MAX,
        why: full.to_string(),
    })
}

/// Decodes an event of the log. Returns `None` if the event has no meaning any more.
pub(crate) fn decode<A: Aggregate>(
    sequence: Sequence,
    payload: &Payload,
) -> Result<Option<A::Event>, Fault> {
    if payload.is_nothing() {
        return Ok(None);
    }
    let decoded = guarded("deserialize", || A::Event::decode(payload))?;
    decoded.map(Some).map_err(|error| Fault::Undecodable {
        sequence,
        why: error.to_string(),
    })
}

/// Decodes the content of these events.
pub(crate) fn decode_all<'e, A: Aggregate>(
    events: impl IntoIterator<Item = &'e RecordedEvent>,
) -> Result<Vec<A::Event>, Fault> {
    let decoded = events
        .into_iter()
        .map(|event| decode::<A>(event.sequence, &event.payload));
    decoded.filter_map(Result::transpose).collect()
}

/// Returns at most `limit` recorded events after `base` up to `through`.
pub(crate) async fn events_between(
    log: &Log,
    stream: &StreamId,
    base: Option<Sequence>,
    through: Option<Sequence>,
    limit: usize,
) -> Result<Vec<RecordedEvent>, StoreError> {
    let mut events: Vec<RecordedEvent> = Vec::new();
    let mut after = base;
    let wanted = Sequence::count(through).saturating_sub(Sequence::count(base));
    let wanted = usize::try_from(wanted).unwrap_or(usize::MAX).min(limit);
    while events.len() < wanted
        && let Ok(from) = Sequence::after(after)
    {
        let page = log
            .read_stream(stream, from, PAGE.min(wanted - events.len()))
            .await?;
        let Some(last) = page.last() else { break };
        after = Some(last.sequence);
        events.extend(page);
    }
    Ok(events)
}

/// The most bytes of payloads in the events that are shown.
const SHOWN_BYTES: usize = 1024 * 1024;
/// The number of events that are read at first if they may be large.
const SHOWN_PAGE: usize = 8;

/// Returns the first of the recorded events after `base` up to `through`, to show them to a sender that did not know
/// them: at most `limit` of them, and no more bytes than are shown at once.
pub(crate) async fn first_between(
    log: &Log,
    stream: &StreamId,
    base: Option<Sequence>,
    through: Option<Sequence>,
    limit: usize,
) -> Result<Vec<RecordedEvent>, StoreError> {
    let mut shown = events_between(log, stream, base, through, limit.min(SHOWN_PAGE)).await?;
    if shown.len() == SHOWN_PAGE && cut(&mut shown) {
        let last = shown.last().map(|event| event.sequence);
        let rest = limit - shown.len();
        shown.extend(events_between(log, stream, last, through, rest).await?);
    }
    cut(&mut shown);
    Ok(shown)
}

/// Removes the events that are too much to be shown. Returns `true` if none was removed.
pub(crate) fn cut(events: &mut Vec<RecordedEvent>) -> bool {
    let mut bytes = 0;
    let fitting = (events.iter())
        .take_while(|event| {
            bytes += event.payload.data.len();
            bytes <= SHOWN_BYTES
        })
        .count();
    let all = fitting == events.len();
    events.truncate(fitting);
    all
}
