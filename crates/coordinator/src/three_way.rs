//! Shows a dead letter from three sides: what its sender knew, what is there now, and what it would have done.

use std::sync::Arc;

use seriatim_core::merge::{Collision, Resolution, resolve};
use seriatim_core::{
    Aggregate, CommandLetter, ConflictReason, Fault, MergeStrategy, QueryError, RecordedEvent,
    Sequence, Simulated, StreamId, ThreeWay, decide_all, decode_command,
};

use crate::beside::beside;
use crate::collision;
use crate::guard::guarded;
use crate::history::{self, Standing, cut, decode_all, events_between};
use crate::judge::draft;
use crate::shared::Shared;
use crate::view::{broken, commits, in_trouble, store_failed, to_view};

/// Returns the three sides of a letter: base, theirs and yours, as they are now.
pub(crate) async fn examine<A: Aggregate>(
    shared: &Shared,
    letter: CommandLetter,
) -> Result<ThreeWay, QueryError> {
    let stream = letter.stream().clone();
    let log = &shared.log;
    let trouble = |trouble| in_trouble(shared, &stream, trouble);

    let believed = letter.conflict.expected.believed().flatten();
    let base = collision::base::<A>(log, &stream, believed)
        .await
        .map_err(trouble)?;
    let theirs: Standing<A> = history::load(log, &stream, None).await.map_err(trouble)?;
    let limit = shared.settings.compared_events;
    let recorded = events_between(log, &stream, believed, theirs.current, limit as usize)
        .await
        .map_err(|error| store_failed(shared, error))?;
    let sides = Sides {
        letter,
        base,
        theirs,
        recorded,
        limit: u64::from(limit),
        shown: shared.settings.shown_events,
    };
    let view = beside(|| sides.view()).await;
    view.and_then(|view| view)
        .map_err(|fault| broken(&stream, fault))
}

/// The data that was read for a letter.
struct Sides<A: Aggregate> {
    letter: CommandLetter,
    base: Standing<A>,
    theirs: Standing<A>,
    /// The events between the two states, up to the number that is compared.
    recorded: Vec<RecordedEvent>,
    /// The most events that are compared.
    limit: u64,
    /// The most events that are shown.
    shown: usize,
}

impl<A: Aggregate> Sides<A> {
    fn view(self) -> Result<ThreeWay, Fault> {
        let request = &self.letter.request;
        let stream = &request.stream;
        let commands = commands::<A>(&self.letter)?;
        let mut intervening: Vec<_> = self.recorded.iter().take(self.shown).cloned().collect();
        cut(&mut intervening);
        Ok(ThreeWay {
            base: to_view(stream, &self.base)?,
            theirs: to_view(stream, &self.theirs)?,
            intervening,
            intervening_total: self.behind(),
            yours: yours(stream, self.base.clone(), &commands)?,
            obstacle: self.obstacle(&commands)?,
            letter: self.letter,
        })
    }

    fn behind(&self) -> u64 {
        Sequence::count(self.theirs.current).saturating_sub(Sequence::count(self.base.current))
    }

    /// Returns the reason why the two cannot be merged by the rule of COMMUTATIVE, if there is one.
    fn obstacle(&self, commands: &[A::Command]) -> Result<Option<ConflictReason>, Fault> {
        let (behind, limit) = (self.behind(), self.limit);
        if behind > self.recorded.len() as u64 {
            return Ok(Some(ConflictReason::TooFarBehind { behind, limit }));
        }
        let intervening = decode_all::<A>(&self.recorded)?;
        let collision = Collision {
            commands,
            expected: self.base.current,
            base: &self.base.state,
            intervening: &intervening,
            current: &self.theirs.state,
            premises: &self.letter.request.premises,
        };
        let resolution = guarded("merge", || resolve(MergeStrategy::Commutative, &collision))?;
        Ok(match resolution {
            Resolution::Proceed(_) | Resolution::Park(_) => None,
            Resolution::Reject(_) => Some(ConflictReason::RejectedAtBoth),
            Resolution::Refuse { reason, .. } => Some(reason),
            Resolution::Invalid(_) => Some(ConflictReason::PremiseChanged {
                changed: self.letter.request.premises.clone(),
            }),
        })
    }
}

/// Returns the commands of the letter, in today's shape.
fn commands<A: Aggregate>(letter: &CommandLetter) -> Result<Vec<A::Command>, Fault> {
    let all = letter.request.commands.iter();
    all.map(|payload| {
        let decoded = guarded("deserialize", || decode_command::<A>(payload))?;
        decoded.map_err(|error| Fault::Unreadable {
            what: "command",
            why: error.to_string(),
        })
    })
    .collect()
}

fn yours<A: Aggregate>(
    stream: &StreamId,
    base: Standing<A>,
    commands: &[A::Command],
) -> Result<Simulated, Fault> {
    match guarded("decide", || decide_all(&base.state, commands))? {
        Err(rejection) => Ok(Simulated::Rejected((&rejection).into())),
        Ok(events) if events.is_empty() => Ok(Simulated::Unchanged),
        Ok(events) => {
            let metadata = Arc::default();
            let drafts = events
                .into_iter()
                .map(|event| draft(event, &metadata))
                .collect::<Result<_, _>>()?;
            commits(stream, base, drafts, false)
        }
    }
}
