//! Finds what the events of a stream have changed in its state.

use std::collections::VecDeque;

use seriatim_core::{
    Aggregate, At, Changes, ChangesQuery, EventChanges, Fault, FieldChange, FieldPath, QueryError,
    RecordedEvent, Sequence, StreamId, Tree,
};

use crate::beside::beside;
use crate::guard::guarded;
use crate::history::{self, Standing, decode};
use crate::shared::Shared;
use crate::view::{broken, in_trouble, standing_at, store_failed};

/// The most events that one question about a field looks at.
const LOOKED_AT: u32 = 2000;
/// The bytes of states, as JSON, up to which one question looks at events. It looks at one event at least.
const LOOKED_AT_BYTES: usize = 64 * 1024 * 1024;
/// The bytes of events and values after which an answer holds no more of them.
const SHOWN_BYTES: usize = 1024 * 1024;
/// The number of events that are folded at once.
const PAGE: usize = 64;
/// The most names of fields in an error.
const NAMES: usize = 100;

/// Returns the events that changed a field, newest first.
pub(crate) async fn changes<A: Aggregate>(
    shared: &Shared,
    stream: &StreamId,
    query: ChangesQuery,
) -> Result<Changes, QueryError> {
    let at = query.through.map_or(At::Current, At::Sequence);
    let newest = standing_at::<A>(shared, stream, at).await?;
    let (through, tree) = (newest.current, tree_of(&newest.state));
    drop(newest.state);
    let tree = tree.map_err(|fault| broken(stream, fault))?;
    let is_whole = query.field.segments().is_empty();
    let value = tree.get(&query.field).filter(|_| !is_whole).cloned();
    let window = window(&query, &tree);
    let first = Sequence::count(through).saturating_sub(u64::from(window));
    let mut search = Search {
        standing: standing_before::<A>(shared, stream, first).await?,
        field: query.field,
        limit: query.limit,
        bytes: 0,
        found: VecDeque::new(),
        cut: false,
    };
    while search.standing.current < through {
        let from = Sequence::after(search.standing.current).expect("there is an event after it");
        let left = Sequence::count(through) - u64::from(from.0);
        let page = (shared.log)
            .read_stream(
                stream,
                from,
                PAGE.min(usize::try_from(left).unwrap_or(PAGE)),
            )
            .await
            .map_err(|error| store_failed(shared, error))?;
        if page.is_empty() {
            break;
        }
        let folded = beside(move || search.fold(page)).await;
        search = folded
            .and_then(|folded| folded)
            .map_err(|fault| broken(stream, fault))?;
    }
    let next = match search.cut {
        true => search.oldest_found().checked_sub(1),
        false => u32::try_from(first)
            .ok()
            .and_then(|first| first.checked_sub(1)),
    };
    let answer = Changes {
        events: search
            .found
            .into_iter()
            .rev()
            .map(|found| found.0)
            .collect(),
        value,
        next: next.map(Sequence),
    };
    let never_was = answer.events.is_empty() && answer.value.is_none() && answer.next.is_none();
    if never_was && !is_whole && query.through.is_none() {
        return Err(QueryError::UnknownField {
            stream: stream.clone(),
            known: known(&tree, &search.field),
            field: search.field,
        });
    }
    Ok(answer)
}

/// Returns the number of events to look at. All events of the whole state are found, so no more of them are looked at
/// than are wanted.
fn window(query: &ChangesQuery, tree: &Tree) -> u32 {
    let by_size = LOOKED_AT_BYTES / tree.to_string().len().max(1);
    let by_size = u32::try_from(by_size)
        .unwrap_or(LOOKED_AT)
        .clamp(1, LOOKED_AT);
    match query.field.segments() {
        [] => by_size.min(u32::try_from(query.limit).unwrap_or(LOOKED_AT)),
        _ => by_size,
    }
}

/// Returns the state after the first `count` events.
async fn standing_before<A: Aggregate>(
    shared: &Shared,
    stream: &StreamId,
    count: u64,
) -> Result<Standing<A>, QueryError> {
    match u32::try_from(count)
        .ok()
        .and_then(|count| count.checked_sub(1))
    {
        None => Ok(Standing::new()),
        Some(last) => history::load(&shared.log, stream, Some(Sequence(last)))
            .await
            .map_err(|trouble| in_trouble(shared, stream, trouble)),
    }
}

/// Returns the state as it is shown: as its JSON, if it has one.
fn tree_of<A: Aggregate>(state: &A) -> Result<Tree, Fault> {
    let tree = || match serde_json::to_vec(state) {
        Ok(text) => Tree::parse(&text),
        Err(_) => Tree::of(state),
    };
    guarded("serialize", tree)?.map_err(|error| Fault::state(&error))
}

/// Returns the fields of the innermost value on the way to `field`.
fn known(tree: &Tree, field: &FieldPath) -> Vec<FieldPath> {
    let mut way = FieldPath::default();
    let mut inner = tree;
    for segment in field.segments() {
        let child = way.child(segment);
        let Some(value) = tree.get(&child) else { break };
        (way, inner) = (child, value);
    }
    inner
        .names()
        .take(NAMES)
        .map(|name| way.child(name))
        .collect()
}

/// Folds events and keeps the newest of those that changed the field.
struct Search<A> {
    standing: Standing<A>,
    field: FieldPath,
    limit: usize,
    /// The bytes of what was found.
    bytes: usize,
    /// Oldest first, with the bytes of each.
    found: VecDeque<(EventChanges, usize)>,
    /// True if something that was found is not kept.
    cut: bool,
}

impl<A: Aggregate> Search<A> {
    fn fold(mut self, page: Vec<RecordedEvent>) -> Result<Self, Fault> {
        let mut before = tree_of(&self.standing.state)?;
        for event in page {
            self.standing.current = Some(event.sequence);
            if let Some(decoded) = decode::<A>(event.sequence, &event.payload)? {
                guarded("evolve", || self.standing.state.evolve(&decoded))?;
            }
            let after = tree_of(&self.standing.state)?;
            let changes = FieldChange::between(&before, &after, &self.field);
            if !changes.is_empty() || self.field.segments().is_empty() {
                self.keep(EventChanges { event, changes });
            }
            before = after;
        }
        Ok(self)
    }

    /// Keeps what was found, and at least one of all, within the limits.
    fn keep(&mut self, found: EventChanges) {
        let bytes = bytes(&found);
        self.bytes += bytes;
        self.found.push_back((found, bytes));
        while self.found.len() > self.limit.max(1)
            || self.bytes > SHOWN_BYTES && self.found.len() > 1
        {
            let dropped = self.found.pop_front().expect("there is more than one");
            self.bytes -= dropped.1;
            self.cut = true;
        }
    }

    fn oldest_found(&self) -> u32 {
        let oldest = self.found.front().expect("it keeps one at least");
        oldest.0.event.sequence.0
    }
}

fn bytes(found: &EventChanges) -> usize {
    let of = |value: &Option<Tree>| value.as_ref().map_or(0, |value| value.to_string().len());
    let values = (found.changes.iter()).map(|change| of(&change.before) + of(&change.after));
    found.event.payload.data.len() + values.sum::<usize>()
}
