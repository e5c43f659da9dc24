//! Defines a job in a mailbox: a command or a fact that was admitted, and the sender that waits for its answer.

use std::sync::Arc;

use seriatim_core::{
    Aggregate, Claim, CommandRequest, ExpectedSequence, Fact, MergeStrategy, Metadata, Payload,
    Receipt, Rejected, RejectedEffect, SubmitError,
};
use tokio::sync::oneshot;

use crate::admission::Place;

/// One command book or fact book.
#[derive(Debug)]
pub(crate) struct Job<A: Aggregate> {
    pub(crate) work: Work<A>,
    /// The idempotency key that it spends: an external id, or the key of an effect.
    pub(crate) claim: Option<Claim>,
    /// `true` if it comes from a reaction: its first result stands, a "no" included, whatever is sent later.
    pub(crate) is_effect: bool,
    pub(crate) correlation_id: String,
    /// The number of times that another writer was faster.
    pub(crate) attempts: u32,
    pub(crate) reply: oneshot::Sender<Result<Receipt, SubmitError>>,
    /// The place in the queue, which is given back when the job is answered.
    pub(crate) place: Place,
}

#[derive(Debug)]
pub(crate) enum Work<A: Aggregate> {
    Commands(Box<Commands<A>>),
    Facts(Vec<FactWork<A>>),
    /// A rejected effect that is handed back.
    Returned(Box<Returned>),
    /// A command that was rejected when it was prepared. It waits for its turn all the same, because it may be a
    /// repetition.
    Rejected(Rejected),
}

#[derive(Debug)]
pub(crate) struct Returned {
    pub(crate) effect: RejectedEffect,
    /// The metadata of its events.
    pub(crate) metadata: Arc<Metadata>,
}

#[derive(Debug)]
pub(crate) struct Commands<A: Aggregate> {
    /// The request as it was sent; a letter holds it.
    pub(crate) request: CommandRequest,
    /// The commands, decoded and prepared.
    pub(crate) commands: Vec<A::Command>,
    pub(crate) strategy: MergeStrategy,
    /// Set if a person has resubmitted it from a letter: it is decided on the current state if its premises still hold,
    /// and if the person saw the stream where it stands.
    pub(crate) resubmitted: Option<ExpectedSequence>,
    /// The metadata of its events.
    pub(crate) metadata: Arc<Metadata>,
}

#[derive(Debug)]
pub(crate) struct FactWork<A: Aggregate> {
    pub(crate) fact: Fact<A::Event>,
    /// The payload, if it is appended unchanged, without asking the aggregate.
    pub(crate) as_it_came: Option<Payload>,
    pub(crate) metadata: Arc<Metadata>,
}

impl<A: Aggregate> Job<A> {
    /// Returns `true` if its sender says that there is nothing to load. If that is wrong, the append notices, and the
    /// next attempt loads the state.
    pub(crate) fn begins_a_stream(&self) -> bool {
        match &self.work {
            Work::Commands(work) => {
                let expects_none = work.request.expected == ExpectedSequence::NoStream;
                expects_none && self.attempts == 0 && work.resubmitted.is_none()
            }
            Work::Facts(_) | Work::Returned(_) | Work::Rejected(_) => false,
        }
    }

    /// Returns `true` if its sender does not say that there is anything to load.
    pub(crate) fn may_begin_a_stream(&self) -> bool {
        match &self.work {
            Work::Commands(work) => {
                work.request.expected == ExpectedSequence::Any && work.resubmitted.is_none()
            }
            Work::Facts(_) => true,
            Work::Returned(_) | Work::Rejected(_) => false,
        }
    }

    /// Answers the sender. If the sender has stopped listening, the outcome stands all the same.
    pub(crate) fn answer(self, answer: Result<Receipt, SubmitError>) {
        // The place is freed first: a sender that has its answer can rely on that.
        drop(self.place);
        let _ = self.reply.send(answer);
    }
}
