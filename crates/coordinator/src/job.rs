//! What waits in a mailbox: a command or a fact that was admitted, and whoever waits for its answer.

use std::sync::Arc;

use seriatim_core::{
    Aggregate, Claim, CommandRequest, ExpectedSequence, Fact, MergeStrategy, Metadata, Payload,
    Receipt, Rejected, RejectedEffect, SubmitError,
};
use tokio::sync::oneshot;

use crate::admission::Place;

/// One command book or fact book on its way.
#[derive(Debug)]
pub(crate) struct Job<A: Aggregate> {
    pub(crate) work: Work<A>,
    /// The external id, or the key of an effect, that it spends.
    pub(crate) claim: Option<Claim>,
    /// Whether it is of a reaction: its first result stands, also a "no", and whatever is sent later.
    pub(crate) is_effect: bool,
    pub(crate) correlation_id: String,
    /// How often another writer was faster.
    pub(crate) attempts: u32,
    pub(crate) reply: oneshot::Sender<Result<Receipt, SubmitError>>,
    /// Given back when the job is answered.
    pub(crate) place: Place,
}

#[derive(Debug)]
pub(crate) enum Work<A: Aggregate> {
    Commands(Box<Commands<A>>),
    Facts(Vec<FactWork<A>>),
    /// An effect that comes back.
    Returned(Box<Returned>),
    /// A command that was rejected when it was prepared. It takes its turn all the same: it may be a repetition.
    Rejected(Rejected),
}

#[derive(Debug)]
pub(crate) struct Returned {
    pub(crate) effect: RejectedEffect,
    /// Of the events it will give.
    pub(crate) metadata: Arc<Metadata>,
}

#[derive(Debug)]
pub(crate) struct Commands<A: Aggregate> {
    /// As it was sent; what a letter holds.
    pub(crate) request: CommandRequest,
    /// Decoded and prepared.
    pub(crate) commands: Vec<A::Command>,
    pub(crate) strategy: MergeStrategy,
    /// Whether a person has taken it out of a letter: it is decided on what is current, if its premises still hold.
    pub(crate) resubmitted: bool,
    /// Of the events it will give.
    pub(crate) metadata: Arc<Metadata>,
}

#[derive(Debug)]
pub(crate) struct FactWork<A: Aggregate> {
    pub(crate) fact: Fact<A::Event>,
    /// Where it is appended as it came, past the aggregate.
    pub(crate) as_it_came: Option<Payload>,
    pub(crate) metadata: Arc<Metadata>,
}

impl<A: Aggregate> Job<A> {
    /// Whether its sender says that there is nothing to load. If that is wrong the append finds out, and the next
    /// attempt loads.
    pub(crate) fn begins_a_stream(&self) -> bool {
        match &self.work {
            Work::Commands(work) => {
                let expects_none = work.request.expected == ExpectedSequence::NoStream;
                expects_none && self.attempts == 0 && !work.resubmitted
            }
            Work::Facts(_) | Work::Returned(_) | Work::Rejected(_) => false,
        }
    }

    /// Answers. Whoever asked may have stopped listening; the outcome stands all the same.
    pub(crate) fn answer(self, answer: Result<Receipt, SubmitError>) {
        // The place first: a sender that knows its answer can rely on its place being free.
        drop(self.place);
        let _ = self.reply.send(answer);
    }
}
