//! The task that rings: what is due is put to the instance that has set it.

use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use seriatim_core::{
    ClearedTimer, CommandGateway, CommandRequest, Component, Domain, EffectId, EncodeError,
    Message, Metadata, Payload, Process, ProcessCommand, ProcessManager, RecordedEvent, Store,
    StoreError, Timer,
};
use tokio::sync::{Notify, watch};

use super::part;
use crate::BackOff;
use crate::reaction::{BESIDE, answer};

/// How many timers are in hand at once, however many are due.
const PAGE: usize = 256;

/// How long a timer is silent for others while it is in hand here; then this process is thought to be gone.
const SILENCE: Duration = Duration::from_secs(10);

/// The longest time between two looks: other processes set timers too, and may be gone when those are due.
const LONGEST_SLEEP: Duration = Duration::from_secs(2);

/// The time until the next look if another process is just being given what is due.
const SHORTEST_SLEEP: Duration = Duration::from_millis(20);

/// The alarm of a process manager in this process. Any number of processes may have one.
#[derive(Debug)]
pub struct Alarm {
    component: Component,
    domain: Domain,
    store: Arc<dyn Store>,
    gateway: Arc<dyn CommandGateway>,
    /// Told of timers that were set here.
    set: Arc<Notify>,
    encode: fn(&Timer) -> Result<Payload, EncodeError>,
}

/// Why a timer is not done with.
enum Undone {
    /// It is worth trying again soon.
    Unavailable(String),
    /// The instance cannot act upon it.
    Failed(String),
}

impl Alarm {
    pub(crate) fn new<P: ProcessManager>(
        store: Arc<dyn Store>,
        gateway: Arc<dyn CommandGateway>,
        set: Arc<Notify>,
    ) -> Self {
        Self {
            component: part::<P>("timers"),
            domain: Domain::of::<Process<P>>(),
            store,
            gateway,
            set,
            encode: |timer| {
                let fire = ProcessCommand::<P>::Fire {
                    timer: timer.name.clone(),
                    set_at: timer.set_at,
                };
                fire.encode()
            },
        }
    }

    /// Rings until the program ends.
    pub(crate) async fn run(self, mut stop: watch::Receiver<bool>) {
        let back_off = BackOff::default();
        let mut failed = 0;
        while !*stop.borrow() {
            let sleep = match self.ring().await {
                Ok(sleep) => {
                    failed = 0;
                    sleep
                }
                Err(error) => {
                    failed += 1;
                    tracing::warn!(process_manager = %self.domain, error, "timers have to wait");
                    back_off.pause_without_end(failed)
                }
            };
            tokio::select! {
                () = tokio::time::sleep(sleep) => {}
                () = self.set.notified(), if failed == 0 => {}
                // Fails if whoever could say it is gone, which says it too.
                _ = stop.wait_for(|stop| *stop) => return,
            }
        }
    }

    /// Rings a page of what is due, and says how long it is until the next.
    async fn ring(&self) -> Result<Duration, String> {
        let down = |error: StoreError| error.to_string();
        match self.store.next_timer(&self.domain).await.map_err(down)? {
            Some(Duration::ZERO) => {}
            Some(time) => return Ok(time.min(LONGEST_SLEEP)),
            None => return Ok(LONGEST_SLEEP),
        }
        let ringing = self.store.ring_timers(&self.domain, PAGE, SILENCE);
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
                Err((timer, Undone::Failed(error))) => {
                    let Timer { stream, name, .. } = timer;
                    tracing::error!(%stream, timer = name, error, "a timer could not be acted upon");
                }
                Err((_, Undone::Unavailable(error))) => unavailable = Some(error),
            }
        }
        self.store.clear_timers(&cleared).await.map_err(down)?;
        match unavailable {
            Some(error) => Err(error),
            None => Ok(Duration::ZERO),
        }
    }

    /// Puts a timer to its instance, which decides whether it still counts.
    async fn fire(&self, timer: Timer) -> Result<ClearedTimer, (Timer, Undone)> {
        match self.try_to_fire(&timer).await {
            Ok(()) => Ok(ClearedTimer {
                stream: timer.stream,
                name: timer.name,
                through: timer.set_at,
            }),
            Err(undone) => Err((timer, undone)),
        }
    }

    async fn try_to_fire(&self, timer: &Timer) -> Result<(), Undone> {
        let Some(cause) = self.cause(timer).await? else {
            tracing::warn!(stream = %timer.stream, timer = timer.name, "no event has set this timer; it is dropped");
            return Ok(());
        };
        let command = (self.encode)(timer).map_err(|error| Undone::Failed(error.to_string()))?;
        let effect = EffectId {
            component: self.component.clone(),
            source: timer.stream.clone(),
            sequence: timer.set_at,
            ordinal: timer.ordinal,
        };
        let actor = format!("timer:{}", timer.name);
        let request = CommandRequest {
            metadata: Metadata::caused_by(&cause, actor),
            effect: Some(effect),
            ..CommandRequest::new(timer.stream.clone(), command)
        };
        match answer(&self.domain, self.gateway.submit(request)).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => Err(Undone::Failed(error.to_string())),
            Err(silent) => Err(Undone::Unavailable(silent.to_string())),
        }
    }

    /// The event that has set a timer: of which workflow it is.
    async fn cause(&self, timer: &Timer) -> Result<Option<RecordedEvent>, Undone> {
        let read = self.store.read_stream(&timer.stream, timer.set_at, 1).await;
        let found = read.map_err(|error| Undone::Unavailable(error.to_string()))?;
        Ok(found.into_iter().next())
    }
}
