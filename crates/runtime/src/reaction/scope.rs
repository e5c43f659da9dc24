//! Checks whether the scope of a checkpoint is that of the events that its component gets.

use seriatim_core::{
    Component, EventFilter, Hold, Log, Position, Reaction, RecordedEvent, Scope, StoreError,
    StreamId, Tenure, Update, Work,
};

use super::piece::{End, Piece, let_go};
use super::runner::{Enrolled, works};

const PAGE: usize = 1000;

/// The filter of a component lets through events that its work has passed over under a narrower one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the filter of `{component}` was widened: it lets `{type_name}` through, and {stream} has one at position {position}, \
     which the component has passed over; {}",
    way_out(component, *.is_read_model)
)]
pub struct Widened {
    /// The component.
    pub component: Component,
    /// The stream of the first event that was passed over.
    pub stream: StreamId,
    /// The position of that event.
    pub position: Position,
    /// The present name of its type.
    pub type_name: String,
    /// True if the component is a read model.
    pub is_read_model: bool,
}

fn way_out(component: &Component, is_read_model: bool) -> String {
    if is_read_model {
        return "build it anew as another version".into();
    }
    format!(
        "give the component another name, or name its former filter in `widened_from`, so that the events that it passed over are left \
         out; `seriatim reactions begin {component} --at first` then lets it handle everything from the first event on"
    )
}

/// The decision about a scope.
enum Verdict {
    /// The scope is right.
    Right,
    /// The scope must become this one.
    Becomes(Scope),
    Widened(Widened),
}

/// The component that is checked, and the store of its progress.
struct Asker<'a> {
    reaction: &'a dyn Reaction,
    widened_from: Option<&'a EventFilter>,
    log: &'a Log,
}

impl Enrolled {
    /// Returns the first event that the component's filter lets through and its former filter passed over; `None` if
    /// there is none. If the filter was widened, the log is read for it, up to the component's checkpoints.
    pub async fn widened(&self, log: &Log) -> Result<Option<Widened>, StoreError> {
        let asker = Asker {
            reaction: &*self.reaction,
            widened_from: self.widened_from.as_ref(),
            log,
        };
        let (checkpoints, component) = (self.reaction.checkpoints(), self.reaction.component());
        let mut scopes = checkpoints.scopes(component).await?;
        scopes.retain(|(_, scope)| scope.filter != *self.reaction.filter());
        if scopes.is_empty() {
            return Ok(None);
        }
        // Changes that other processes make meanwhile are checked when the work is taken. Work with another number of
        // shares is not checked.
        let all = checkpoints.checkpoints(Some(component)).await?;
        for work in works(self, log.partitions()) {
            let scope = scopes.iter().find(|(of, _)| *of == work);
            let checkpoint = all.iter().find(|checkpoint| checkpoint.work == work);
            if let Some(((_, scope), checkpoint)) = scope.zip(checkpoint) {
                let at = checkpoint.at.position;
                if let Verdict::Widened(widened) = asker.judge(&work, scope, at).await? {
                    return Ok(Some(widened));
                }
            }
        }
        Ok(None)
    }
}

impl Piece {
    /// Fails if the scope of the checkpoint lacks events that the component gets. Otherwise sets the scope to exactly
    /// those events.
    pub(super) async fn agree_on_scope(&mut self, tenure: &Tenure) -> Result<(), End> {
        let mut call = self.call.clone();
        let mut tried = 0;
        loop {
            let agreed = tokio::select! {
                agreed = self.try_to_agree(tenure) => agreed,
                // The log may take long to read.
                () = let_go(&mut call) => return Err(End::LetGo),
                end = self.keep(tenure) => return Err(end),
            };
            match agreed {
                Ok(result) => return result,
                Err(error) => {
                    tried += 1;
                    self.wait_for_store(&error, tried, tenure).await?;
                }
            }
        }
    }

    async fn try_to_agree(&self, tenure: &Tenure) -> Result<Result<(), End>, StoreError> {
        let asker = Asker {
            reaction: &*self.reaction,
            widened_from: self.widened_from.as_ref(),
            log: self.feed.log(),
        };
        let component = self.reaction.component();
        let scopes = self.reaction.checkpoints().scopes(component).await?;
        let scope = scopes.iter().find(|(work, _)| *work == tenure.work);
        let verdict = match scope {
            Some((_, scope)) => asker.judge(&tenure.work, scope, tenure.at.position).await?,
            None => asker.becomes(Position::START),
        };
        let scope = match verdict {
            Verdict::Right => return Ok(Ok(())),
            Verdict::Widened(widened) => return Ok(Err(End::Paused(None, widened.to_string()))),
            Verdict::Becomes(scope) => Update::Scope(scope),
        };
        let checkpoints = self.reaction.checkpoints();
        Ok(match checkpoints.write(tenure, &scope, self.lease).await? {
            Hold::Held => Ok(()),
            Hold::Lost => Err(End::Lost),
        })
    }
}

impl Asker<'_> {
    fn becomes(&self, after: Position) -> Verdict {
        let filter = self.reaction.filter().clone();
        Verdict::Becomes(Scope { filter, after })
    }

    /// Returns the decision about the scope of work whose checkpoint is at this position.
    async fn judge(&self, work: &Work, scope: &Scope, at: Position) -> Result<Verdict, StoreError> {
        let (filter, after) = (self.reaction.filter(), scope.after);
        if scope.filter == *filter {
            return Ok(Verdict::Right);
        }
        let had = self.log.shapes().rename(scope.filter.clone());
        if had.covers(filter) {
            return Ok(self.becomes(after));
        }
        let is_declared = |from: &EventFilter| from.covers(&had) && had.covers(from);
        let from = self.widened_from.cloned();
        if (from.map(|from| self.log.shapes().rename(from))).is_some_and(|from| is_declared(&from))
        {
            return Ok(self.becomes(at));
        }
        let passed_over = |event: &RecordedEvent| {
            work.share.has(&event.stream) && filter.matches(event) && !had.matches(event)
        };
        let found = self.first(work, at, passed_over).await?;
        Ok(match found {
            None => self.becomes(after),
            Some(event) => Verdict::Widened(Widened {
                component: work.component.clone(),
                stream: event.stream,
                position: event.position,
                type_name: event.payload.type_name.into_owned(),
                is_read_model: self.reaction.read_model().is_some(),
            }),
        })
    }

    /// Returns the first event that the work has passed and that `is_meant` selects.
    async fn first(
        &self,
        work: &Work,
        up_to: Position,
        is_meant: impl Fn(&RecordedEvent) -> bool + Sync,
    ) -> Result<Option<RecordedEvent>, StoreError> {
        let begun = self.reaction.checkpoints().begun(&work.component).await?;
        let mut seen = begun.map_or(Position::START, |begun| begun.get(work.partition).position);
        while seen < up_to {
            let page = self.log.read(work.partition, seen, PAGE).await?;
            let Some(last) = page.last() else {
                break;
            };
            seen = last.position;
            let mut within = page.into_iter().take_while(|event| event.position <= up_to);
            if let Some(found) = within.find(&is_meant) {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }
}
