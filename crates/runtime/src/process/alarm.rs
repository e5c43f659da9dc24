//! Sends due timers to the instances that have set them.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use seriatim_core::{
    Append, AppendOutcome, Claim, ClaimKey, ClearedTimer, CommandRequest, ContentHash, NewEvent,
    ReactionError, StoreError, StreamId, StuckTimer, Timer, Write,
};
use tokio::sync::{Notify, watch};

use super::firing::Firing;
use crate::meter;
use crate::reaction::{BESIDE, for_people};
use crate::{BackOff, ReactionSettings};

/// The number of timers that are in hand at once, however many are due.
const PAGE: usize = 256;

/// The longest time between two looks. Other processes set timers too, and may have ended when those are due.
const LONGEST_SLEEP: Duration = Duration::from_secs(2);

/// The time until the next look if another process is taking the due timers at this moment.
const SHORTEST_SLEEP: Duration = Duration::from_millis(20);

/// The number of times that other writers may win when a stuck timer of one instance is to be recorded. After that it
/// is left to the timer's next ring.
const RACES: usize = 24;

/// The alarm of a process manager in this process. Any number of processes may have one.
#[derive(Debug)]
pub struct Alarm {
    firing: Firing,
    /// The time for which a timer in hand does not ring elsewhere. After it, this process counts as gone.
    silence: Duration,
    /// Notified when a timer is set in this process.
    set: Arc<Notify>,
}

impl Alarm {
    pub(crate) fn new(firing: Firing, set: Arc<Notify>) -> Self {
        Self {
            firing,
            silence: ReactionSettings::default().lease,
            set,
        }
    }

    pub(crate) fn silent_for(self, silence: Duration) -> Self {
        Self { silence, ..self }
    }

    /// Rings until the program ends.
    pub(crate) async fn run(self: Arc<Self>, mut stop: watch::Receiver<bool>) {
        let back_off = BackOff::default();
        let mut failed = 0;
        while !*stop.borrow() {
            let sleep = match self.ring().await {
                Ok(sleep) => {
                    if failed > 0 {
                        tracing::warn!(process_manager = %self.firing.domain, "timers ring again");
                    }
                    failed = 0;
                    sleep
                }
                Err(error) => {
                    failed += 1;
                    if failed == 1 {
                        tracing::warn!(process_manager = %self.firing.domain, error, "timers have to wait");
                    }
                    back_off.pause_without_end(failed)
                }
            };
            tokio::select! {
                () = tokio::time::sleep(sleep) => {}
                () = self.set.notified(), if failed == 0 => {}
                // An error means that the sender is gone, which counts as a stop too.
                _ = stop.wait_for(|stop| *stop) => return,
            }
        }
    }

    /// Reports how many timers are overdue, in all processes.
    pub(crate) async fn observe(&self) -> Result<(), StoreError> {
        let domain = &self.firing.domain;
        let overdue = self.firing.store.overdue(domain, self.silence).await?;
        meter::overdue(domain, overdue);
        Ok(())
    }

    /// Rings a page of due timers. Returns the time until the next look.
    async fn ring(&self) -> Result<Duration, String> {
        let down = |error: StoreError| error.to_string();
        let Firing { store, domain, .. } = &self.firing;
        match store.next_timer(domain).await.map_err(down)? {
            Some(Duration::ZERO) => {}
            Some(time) => return Ok(time.min(LONGEST_SLEEP)),
            None => return Ok(LONGEST_SLEEP),
        }
        let ringing = store.ring_timers(domain, PAGE, self.silence);
        let ringing = ringing.await.map_err(down)?;
        if ringing.is_empty() {
            return Ok(SHORTEST_SLEEP);
        }
        let fired = futures::stream::iter(ringing).map(|timer| self.fire(timer));
        let fired: Vec<_> = fired.buffer_unordered(BESIDE).collect().await;
        let mut cleared = Vec::new();
        let mut unavailable = None;
        for fired in fired {
            match fired {
                Ok(done) => cleared.push(done),
                Err(error) => unavailable = Some(error),
            }
        }
        store.clear_timers(&cleared).await.map_err(down)?;
        match unavailable {
            Some(error) => Err(error),
            None => Ok(Duration::ZERO),
        }
    }

    /// Sends a timer to its instance, or records that it is stuck. In both cases the log has it afterwards, and it need
    /// not ring again.
    async fn fire(&self, timer: Timer) -> Result<ClearedTimer, String> {
        let request = self.firing.request(&timer).await;
        if let Some(request) = request.map_err(|error| error.to_string())? {
            match self.firing.put(&timer, request.clone()).await {
                Ok(()) => {}
                Err(ReactionError::Failed(error)) => {
                    self.record_stuck(&timer, request, &*error).await?;
                }
                Err(silent) => return Err(silent.to_string()),
            }
        }
        Ok(ClearedTimer {
            stream: timer.stream,
            name: timer.name,
            through: timer.set_at,
        })
    }

    /// Records a stuck timer once, even if several processes find it stuck several times.
    async fn record_stuck(
        &self,
        timer: &Timer,
        request: CommandRequest,
        error: &(dyn Error + Send + Sync),
    ) -> Result<(), String> {
        let failure = for_people(&error.to_string());
        tracing::warn!(stream = %timer.stream, timer = timer.name, reason = failure, "a timer is stuck");
        let claim = request.effect.as_ref().map(|effect| Claim {
            external_id: ClaimKey::StuckTimer(effect.clone()).to_string(),
            content: ContentHash::of_command(&request),
            refusal: None,
            with: None,
        });
        let stuck = StuckTimer::new(timer, failure).encode();
        let event = NewEvent {
            id: request.id,
            payload: stuck.map_err(|error| error.to_string())?,
            metadata: Arc::new(request.metadata),
        };
        let stream = StreamId::new(self.firing.stuck_domain(), timer.stream.root);
        let events = Arc::new([event]);
        let mut after = None;
        for _ in 0..RACES {
            let append = Append {
                stream: stream.clone(),
                write: Write::Events {
                    after,
                    last: None,
                    events: events.clone(),
                },
                claim: claim.clone(),
                beside: Vec::new(),
            };
            let outcomes = self.firing.store.append(vec![append]).await;
            match &outcomes.map_err(|error| error.to_string())?[..] {
                [AppendOutcome::Written { .. } | AppendOutcome::Claimed(_)] => return Ok(()),
                [AppendOutcome::Conflict { current, .. }] => after = *current,
                other => {
                    return Err(format!(
                        "the record of a stuck timer was answered by {other:?}"
                    ));
                }
            }
        }
        Err(format!("`{stream}` is written by too many at once"))
    }
}
