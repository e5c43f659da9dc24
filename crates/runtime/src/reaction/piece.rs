//! Runs one piece of a component's work in this process: it stands by, works, is paused, and stands by again.

use std::sync::Arc;
use std::time::Duration;

use seriatim_core::{
    Begin, Bookmark, EventFilter, Hold, Owner, Reaction, StoreError, SubscribeError, Taking,
    Tenure, Update, Work,
};
use tokio::sync::{Notify, watch};
use tokio::time::Interval;

use super::log;
use super::parking::for_people;
use super::policy::FailurePolicy;
use super::queues::Hand;
use super::rota::Call;
use super::status::{Failure, PieceState, PieceStatus};
use super::step::{lost, renew};
use crate::Feed;
use crate::feed::when_replaced;

/// One piece of work, with everything needed to do it.
pub(crate) struct Piece {
    pub(crate) reaction: Arc<dyn Reaction>,
    pub(crate) work: Work,
    pub(crate) feed: Feed,
    pub(crate) owner: Owner,
    pub(crate) lease: Duration,
    /// The greatest depth of an event whose effects are sent.
    pub(crate) deepest: u32,
    pub(crate) policy: FailurePolicy,
    /// The beginning of the component, if none is decided yet.
    pub(crate) begin: Begin,
    /// The former filter; the events that it left out stay left out.
    pub(crate) widened_from: Option<EventFilter>,
    pub(crate) status: watch::Sender<PieceStatus>,
    /// Rung when a person has decided something in this process. Decisions elsewhere are found by looking.
    pub(crate) bell: Arc<Notify>,
    /// The times at which an owner renews its lease and looks for decisions: each third of the lease.
    pub(crate) heartbeat: Interval,
    /// The order that the rota gives to this process.
    pub(crate) call: watch::Receiver<Call>,
    /// Rung if the call is out of date.
    pub(crate) rota: Arc<Notify>,
    /// Becomes true, or is closed, when the program ends.
    pub(crate) stop: watch::Receiver<bool>,
}

/// The reason why an owner stops working.
pub(crate) enum End {
    /// Another process has the work.
    Lost,
    /// Another process has less to do, and gets the work.
    LetGo,
    /// The program ends.
    Stopped,
    /// The work cannot continue.
    Paused(Option<Failure>, String),
    /// A person has paused its component.
    PausedByHand(String),
    /// The work was paused, and may go on.
    Resumed,
}

impl Piece {
    /// Works until the program ends. A step that has begun is finished.
    pub(crate) async fn run(mut self) {
        while let Some(mut tenure) = self.stand_by().await {
            let end = loop {
                let (end, at) = self.work(tenure.clone()).await;
                tenure.at = at;
                let end = match end {
                    End::Paused(failure, error) => {
                        self.stay_paused(&tenure, failure, error, false).await
                    }
                    End::PausedByHand(why) => self.stay_paused(&tenure, None, why, true).await,
                    end => end,
                };
                if !matches!(end, End::Resumed) {
                    break end;
                }
            };
            // Work that seems to be lost is released too. It may still be ours if the answer to the last move was lost.
            self.release(&tenure).await;
            if let End::Stopped = end {
                break;
            }
            let reason = match end {
                End::LetGo => "another process has less to do, and asked for it",
                _ => "its lease ran out, another process has it, or its component begins anew",
            };
            tracing::info!(work = %self.work, reason, "gives the work up");
            self.is(PieceState::StandingBy { owner: None });
            self.rota.notify_one();
        }
        self.is(PieceState::Stopped);
    }

    /// Waits until the work is ours. Returns `None` if the program ends.
    async fn stand_by(&mut self) -> Option<Tenure> {
        let mut tried = 0;
        let mut before = None;
        loop {
            let owner = match self.called().await? {
                Call::Take => match self.take().await {
                    Ok(Taking::Taken(tenure)) => {
                        let reason = match &before {
                            Some(owner) => format!("{owner} has let it go, or its lease ran out"),
                            None => "nobody had it".into(),
                        };
                        tracing::info!(work = %self.work, after = %tenure.at.position, reason, "has taken the work");
                        self.is(PieceState::Beginning);
                        return Some(tenure);
                    }
                    Ok(Taking::Busy { owner, .. }) => {
                        self.rota.notify_one();
                        Some(owner)
                    }
                    Err(fault) => {
                        tried += 1;
                        self.cannot_take(&fault);
                        let pause = self.policy.back_off.pause_without_end(tried);
                        self.sleep(pause).await?;
                        self.rota.notify_one();
                        continue;
                    }
                },
                Call::Wait(owner) => owner.map(|name| name.to_string()),
                // The work still counts as ours until the lease runs out: it could not be released, or the answer to
                // its taking was lost.
                Call::GoOn | Call::LetGo => Some(self.owner.name.to_string()),
                Call::StoreIsDown(error) => {
                    self.cannot_take(&SubscribeError::Store(error));
                    continue;
                }
            };
            tried = 0;
            before.clone_from(&owner);
            self.is(PieceState::StandingBy { owner });
        }
    }

    /// Waits for the next call. Returns `None` if the program ends.
    async fn called(&mut self) -> Option<Call> {
        tokio::select! {
            biased;
            () = stopped(&mut self.stop) => None,
            changed = self.call.changed() => {
                changed.ok()?;
                Some(self.call.borrow_and_update().clone())
            }
        }
    }

    async fn take(&self) -> Result<Taking, SubscribeError> {
        let (checkpoints, work) = (self.reaction.checkpoints(), &self.work);
        if checkpoints.begun(&work.component).await?.is_none() {
            let at = self.feed.log().locate(&self.begin).await?;
            checkpoints.begin(&work.component, &at).await?;
        }
        let taking = checkpoints.take(work, &self.owner, self.lease);
        let taking = taking.await?;
        if let Taking::Taken(tenure) = &taking
            && let Err(error) = self.reaction.begin(work).await
        {
            self.release(tenure).await;
            return Err(error.into());
        }
        Ok(taking)
    }

    /// Shows why the work cannot be taken. It is tried again in every case.
    fn cannot_take(&self, fault: &SubscribeError) {
        match fault {
            SubscribeError::Store(error) if error.kind.is_transient() => {
                self.waits_for_store(error);
            }
            fault => {
                let error = for_people(&self.why_not(fault));
                self.is(PieceState::CannotBegin { error });
            }
        }
    }

    /// Returns text that says why the log cannot be followed, and what to do about it.
    pub(super) fn why_not(&self, fault: &SubscribeError) -> String {
        match fault {
            SubscribeError::Replaced(replaced) => when_replaced(&self.work.component, replaced),
            fault => fault.to_string(),
        }
    }

    /// Keeps the work and does nothing for it, until a person resumes it.
    async fn stay_paused(
        &self,
        tenure: &Tenure,
        failure: Option<Failure>,
        error: String,
        by_hand: bool,
    ) -> End {
        let why = match &failure {
            Some(failure) => format!("{} of {}: {error}", failure.sequence, failure.stream),
            None => error.clone(),
        };
        self.is(PieceState::Paused { failure, error });
        tokio::select! {
            end = self.keep(tenure) => end,
            end = self.resumed(tenure, &why, by_hand) => end,
        }
    }

    /// Waits until a person has resumed the work, or has made its component begin again.
    async fn resumed(&self, tenure: &Tenure, why: &str, by_hand: bool) -> End {
        let checkpoints = self.reaction.checkpoints();
        let pause = Update::Pause(why.to_owned());
        let mut is_shown = false;
        loop {
            let looked = match is_shown {
                false => match checkpoints.write(tenure, &pause, self.lease).await {
                    Ok(Hold::Lost) => return End::Lost,
                    paused => paused.map(|_| is_shown = true),
                },
                true if by_hand => match checkpoints.pause_of(&self.work.component).await {
                    // The work may have been resumed before the pause was shown here.
                    Ok(None) => match checkpoints.resume(&self.work).await {
                        Ok(_) => return End::Resumed,
                        Err(error) => Err(error),
                    },
                    Ok(Some(_)) => Ok(()),
                    Err(error) => Err(error),
                },
                true => {
                    let all = checkpoints.checkpoints(Some(&self.work.component)).await;
                    match all.map(|all| all.into_iter().find(|one| one.work == self.work)) {
                        Ok(None) => return End::Lost,
                        Ok(Some(checkpoint)) if checkpoint.paused.is_none() => return End::Resumed,
                        Ok(Some(_)) => Ok(()),
                        Err(error) => Err(error),
                    }
                }
            };
            if let Err(error) = looked {
                let error = error.to_string();
                if is_shown {
                    tracing::warn!(work = %self.work, error, "looking for a resume again later");
                } else {
                    tracing::warn!(work = %self.work, error, "the pause could not be recorded, so nobody may see it");
                }
            }
            tokio::select! {
                () = tokio::time::sleep(self.lease / 3) => {}
                () = self.bell.notified() => {}
            }
        }
    }

    /// Waits until the store says whether a person has paused the component. Fails if so.
    pub(crate) async fn may_begin(&mut self, tenure: &Tenure) -> Result<(), End> {
        let mut tried = 0;
        loop {
            match self.look_for_pause().await {
                Ok(None) => return Ok(()),
                Ok(Some(why)) => return Err(End::PausedByHand(why)),
                Err(error) => {
                    tried += 1;
                    self.wait_for_store(&error, tried, tenure).await?;
                }
            }
        }
    }

    /// Fails if a person has paused the component. If the store does not answer, the next heartbeat looks again.
    pub(crate) async fn heed_pause(&self) -> Result<(), End> {
        match self.look_for_pause().await {
            Ok(Some(why)) => Err(End::PausedByHand(why)),
            Ok(None) => Ok(()),
            Err(error) => {
                let error = error.to_string();
                tracing::warn!(work = %self.work, error, "looking for a pause again later");
                Ok(())
            }
        }
    }

    async fn look_for_pause(&self) -> Result<Option<String>, StoreError> {
        let checkpoints = self.reaction.checkpoints();
        checkpoints.pause_of(&self.work.component).await
    }

    /// Waits before a store is asked again that may answer then.
    pub(crate) async fn wait_for_store(
        &mut self,
        error: &StoreError,
        tried: u32,
        tenure: &Tenure,
    ) -> Result<(), End> {
        self.store_failed(error)?;
        let pause = self.policy.back_off.pause_without_end(tried);
        self.pause(pause, tenure).await
    }

    /// Waits, and keeps the work meanwhile. Fails early if another process gets it or a person pauses its component.
    pub(crate) async fn pause(&mut self, pause: Duration, tenure: &Tenure) -> Result<(), End> {
        let (mut call, mut stop) = (self.call.clone(), self.stop.clone());
        let over = tokio::time::sleep(pause);
        tokio::pin!(over);
        let mut was_rung = false;
        loop {
            tokio::select! {
                biased;
                () = stopped(&mut stop) => return Err(End::Stopped),
                () = let_go(&mut call) => return Err(End::LetGo),
                () = self.bell.notified() => was_rung = true,
                _ = self.heartbeat.tick() => {}
                () = &mut over => break,
            }
            // A look is finished even if the pause ends before it: there may be nothing but short pauses.
            tokio::select! {
                () = stopped(&mut stop) => return Err(End::Stopped),
                kept = self.keep_once(tenure) => kept?,
            }
        }
        if was_rung {
            // The decision may be about a parked stream, which the next step looks for.
            self.bell.notify_one();
        }
        Ok(())
    }

    async fn keep_once(&self, tenure: &Tenure) -> Result<(), End> {
        match renew(&*self.reaction, tenure, self.lease).await {
            Hold::Held => self.heed_pause().await,
            Hold::Lost => Err(End::Lost),
        }
    }

    /// Renews the lease until the tenure ends, and does nothing else for the work.
    pub(super) async fn keep(&self, tenure: &Tenure) -> End {
        let mut stop = self.stop.clone();
        tokio::select! {
            () = stopped(&mut stop) => End::Stopped,
            () = lost(&*self.reaction, tenure, self.lease) => End::Lost,
        }
    }

    async fn release(&self, tenure: &Tenure) {
        if let Err(error) = self.reaction.checkpoints().release(tenure).await {
            tracing::warn!(work = %self.work, error = error.to_string(), "not released; others wait until its lease runs out");
        }
    }

    /// Waits for this time, or until a person has decided something here. Returns `None` if the program ends.
    async fn sleep(&mut self, time: Duration) -> Option<()> {
        tokio::select! {
            () = tokio::time::sleep(time) => Some(()),
            () = self.bell.notified() => Some(()),
            () = stopped(&mut self.stop) => None,
        }
    }

    /// Records that everything up to here is done, including the work for parked streams.
    pub(crate) fn has_finished(&self, at: &Bookmark, hand: &mut Hand) {
        hand.tenure.at = *at;
        let position = at.position;
        let parked = hand.queues.len();
        self.change(|status| {
            status.position = position;
            status.parked = parked;
            status.state = PieceState::Working;
        });
    }

    /// Shows that the store failed. Fails if the fault does not pass by itself, which pauses the work.
    pub(crate) fn store_failed(&self, error: &StoreError) -> Result<(), End> {
        match error.kind.is_transient() {
            true => {
                self.waits_for_store(error);
                Ok(())
            }
            false => Err(End::Paused(None, for_people(&error.to_string()))),
        }
    }

    fn waits_for_store(&self, error: &StoreError) {
        let error = error.to_string();
        self.is(PieceState::WaitingForStore { error });
    }

    pub(crate) fn is(&self, state: PieceState) {
        self.change(|status| status.state = state);
    }

    /// Changes the status. Nothing else changes it.
    pub(super) fn change(&self, change: impl FnOnce(&mut PieceStatus)) {
        let before = self.status.borrow().clone();
        let mut now = before.clone();
        change(&mut now);
        if now != before {
            log::changed(&self.work, &before.state, &now.state);
            self.status.send_replace(now);
        }
    }
}

/// Waits until another process gets the work.
pub(crate) async fn let_go(call: &mut watch::Receiver<Call>) {
    let asked = call
        .wait_for(|call| matches!(call, Call::LetGo))
        .await
        .is_ok();
    if !asked {
        // There are no more calls: the program ends, which is noticed elsewhere.
        std::future::pending::<()>().await;
    }
}

pub(crate) async fn stopped(stop: &mut watch::Receiver<bool>) {
    // An error means that the sender is gone, which counts as a stop too.
    let _ = stop.wait_for(|stop| *stop).await;
}
