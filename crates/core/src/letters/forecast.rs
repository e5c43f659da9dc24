//! Says what resubmitting letters now would give. Nothing is written.

use uuid::Uuid;

use crate::{GivenUp, OperatorError, QueryError, Simulated, Simulation, StreamId};

/// What resubmitting one letter now would give.
#[derive(Clone, Debug, PartialEq)]
pub enum LetterSimulation {
    /// A command: what it would do on the current state.
    Command(Box<Simulation>),
    /// An event: what would be handed to its component, which is the event and then those that wait behind it. The
    /// effects of a component cannot be simulated.
    Reaction(Box<GivenUp>),
}

impl LetterSimulation {
    /// Returns the stream that a command is for, or the stream of the event that was given up.
    pub fn stream(&self) -> &StreamId {
        match self {
            Self::Command(simulation) => &simulation.before.stream,
            Self::Reaction(given_up) => &given_up.letter.stream,
        }
    }
}

/// How many of several letters would end in which way if they were resubmitted now.
///
/// Each is simulated by itself on the stream as it is now: a letter does not see what those before it on the same stream
/// would change.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Forecast {
    /// Commands that would write events.
    pub committed: u64,
    /// Commands that would be accepted and change nothing.
    pub unchanged: u64,
    /// Commands that their domain would reject.
    pub rejected: u64,
    /// Commands that would be refused because the stream has moved on: a premise does not hold any more.
    pub conflicting: u64,
    /// Commands that would not be accepted for another reason: they cannot be read any more, or the code of their
    /// aggregate fails.
    pub failing: u64,
    /// Events that would be handed to their components, each with those that wait behind it.
    pub handed: u64,
    /// Letters about which somebody has decided already.
    pub decided: u64,
}

impl Forecast {
    /// Returns the number of letters that were looked at.
    pub fn letters(&self) -> u64 {
        let commands = self.committed + self.unchanged + self.not_accepted();
        commands + self.handed + self.decided
    }

    /// Returns the number of commands that would stay parked.
    pub fn not_accepted(&self) -> u64 {
        self.rejected + self.conflicting + self.failing
    }

    /// Adds the counts of another part of the letters.
    pub fn add(&mut self, other: &Self) {
        self.committed += other.committed;
        self.unchanged += other.unchanged;
        self.rejected += other.rejected;
        self.conflicting += other.conflicting;
        self.failing += other.failing;
        self.handed += other.handed;
        self.decided += other.decided;
    }

    /// Counts one letter. Fails if its simulation failed in a way that says nothing about the letter.
    pub(super) fn count(
        &mut self,
        simulated: Result<LetterSimulation, OperatorError>,
    ) -> Result<(), OperatorError> {
        let place = match simulated {
            Ok(LetterSimulation::Reaction(_)) => &mut self.handed,
            Ok(LetterSimulation::Command(simulation)) => match simulation.outcome {
                Simulated::Commits { .. } => &mut self.committed,
                Simulated::Unchanged => &mut self.unchanged,
                Simulated::Rejected(_) => &mut self.rejected,
                Simulated::Conflict(_) => &mut self.conflicting,
                Simulated::Duplicate(_) | Simulated::ExternalIdReused(_) => &mut self.decided,
                Simulated::Parks(_) => &mut self.failing,
            },
            // It was decided about between two looks.
            Err(
                OperatorError::Closed { .. }
                | OperatorError::Decided { .. }
                | OperatorError::Query(QueryError::UnknownLetter { .. }),
            ) => &mut self.decided,
            Err(error) if error.is_about_the_letter() => &mut self.failing,
            Err(error) => return Err(error),
        };
        *place += 1;
        Ok(())
    }
}

/// A part of a forecast.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ForecastPage {
    /// The counts of this part.
    pub forecast: Forecast,
    /// The last letter of this part, after which the next begins; `None` if it was the last part.
    pub next: Option<Uuid>,
}
