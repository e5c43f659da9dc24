//! Decides which pieces of a component's work this process does. It looks repeatedly who has which piece, and calls the
//! pieces.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use seriatim_core::{Assignment, Component, Owner, Reaction, StoreError, Work};
use tokio::sync::{Notify, watch};

use super::back_off::BackOff;
use super::fair::{Move, Seen, moves};
use super::host_process::HostProcess;
use super::piece::stopped;

/// The number of looks while a lease lasts. The next look finds what another process has let go, and a look is one
/// small read.
const LOOKS: u32 = 10;

/// The order to a piece of work in this process.
#[derive(Clone, Debug)]
pub(crate) enum Call {
    /// Wait. The name is of the process that has the work, if any.
    Wait(Option<Arc<str>>),
    /// Wait, because it is unknown who has the work: the store returned this error.
    StoreIsDown(StoreError),
    /// Take the work.
    Take,
    /// Go on, if this process has the work.
    GoOn,
    /// Let the work go, for a process that has less to do.
    LetGo,
}

/// The pieces of one component's work in this process.
pub(crate) struct Rota {
    pub(crate) reaction: Arc<dyn Reaction>,
    pub(crate) me: Owner,
    /// This process, if it can see whether other processes on its host have ended.
    pub(crate) process: Option<HostProcess>,
    pub(crate) lease: Duration,
    pub(crate) back_off: BackOff,
    pub(crate) pieces: Vec<(Work, watch::Sender<Call>)>,
    /// Rung by a piece that finds its call out of date.
    pub(crate) bell: Arc<Notify>,
    /// Becomes true, or is closed, when the program ends.
    pub(crate) stop: watch::Receiver<bool>,
}

impl Rota {
    /// Calls the pieces until the program ends.
    pub(crate) async fn run(mut self) {
        let mut stop = self.stop.clone();
        tokio::select! {
            () = stopped(&mut stop) => {}
            () = self.go_on() => {}
        }
    }

    async fn go_on(&mut self) {
        let mut tried = 0;
        loop {
            let pause = match self.look().await {
                Ok(()) => {
                    tried = 0;
                    self.lease / LOOKS
                }
                Err(error) => {
                    tried += 1;
                    self.store_is_down(&error);
                    self.back_off.pause_without_end(tried)
                }
            };
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = self.bell.notified() => {}
            }
        }
    }

    async fn look(&self) -> Result<(), StoreError> {
        let checkpoints = self.reaction.checkpoints();
        let mut assignments = checkpoints.assignments(self.component()).await?;
        self.bury(&mut assignments).await?;
        let assignments: HashMap<_, _> = (assignments.into_iter())
            .map(|assignment| (assignment.work.clone(), assignment))
            .collect();
        let found = self.pieces.iter().map(|(work, _)| assignments.get(work));
        let seen: Vec<_> = found.clone().map(seen).collect();
        let moves = moves(self.me.id, &seen);
        for (((_, call), found), to_do) in self.pieces.iter().zip(found).zip(&moves) {
            call.send_replace(self.call(found, *to_do));
        }
        for ((work, _), to_do) in self.pieces.iter().zip(moves) {
            if to_do == Move::Ask && checkpoints.ask(work, self.me.id, self.lease).await? {
                tracing::debug!(%work, "asked for: its owner has more to do");
            }
        }
        Ok(())
    }

    /// Ends the leases of dead owners on this host, so that nobody waits for them to run out.
    async fn bury(&self, assignments: &mut [Assignment]) -> Result<(), StoreError> {
        let checkpoints = self.reaction.checkpoints();
        let mut seen = HashMap::from([(self.me.id, false)]);
        for Assignment { work, owner, .. } in assignments {
            let is_gone = |owner: &mut Owner| {
                let seen = seen.entry(owner.id);
                *seen.or_insert_with(|| self.sees_end_of(owner))
            };
            if let Some(gone) = owner.take_if(is_gone)
                && checkpoints.end_lease(work, gone.id).await?
            {
                tracing::info!(%work, owner = %gone.name, "its owner has ended without letting go of it");
            }
        }
        Ok(())
    }

    fn sees_end_of(&self, owner: &Owner) -> bool {
        let process = owner.process.as_deref().and_then(|text| text.parse().ok());
        let both = self.process.as_ref().zip(process);
        both.is_some_and(|(this, other)| this.sees_end_of(&other))
    }

    fn call(&self, found: Option<&Assignment>, to_do: Move) -> Call {
        let owner = found.and_then(|assignment| assignment.owner.as_ref());
        match to_do {
            Move::Take => Call::Take,
            Move::LetGo => Call::LetGo,
            Move::Stay if owner.is_some_and(|owner| owner.id == self.me.id) => Call::GoOn,
            Move::Stay | Move::Ask => Call::Wait(owner.map(|owner| owner.name.clone())),
        }
    }

    fn store_is_down(&self, error: &StoreError) {
        tracing::debug!(component = %self.component(), error = error.to_string(), "it is unknown who does the work");
        for (_, call) in &self.pieces {
            call.send_replace(Call::StoreIsDown(error.clone()));
        }
    }

    fn component(&self) -> &Component {
        self.reaction.component()
    }
}

/// Returns how a piece is seen. Work that was never begun is free.
fn seen(found: Option<&Assignment>) -> Seen {
    found.map_or_else(Seen::default, |assignment| Seen {
        owner: assignment.owner.as_ref().map(|owner| owner.id),
        asked_by: assignment.asked_by,
        is_paused: assignment.is_paused,
    })
}
