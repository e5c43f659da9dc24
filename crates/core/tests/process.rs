//! Tests the events of a process manager: they read back in today's shape, and what cannot be recorded is an error.

use std::borrow::Cow;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use seriatim_core::{
    Aggregate, Component, DecodeError, EffectId, EventFilter, Message, Metadata, Payload, Plan,
    Process, ProcessCommand, ProcessEvent, ProcessManager, RecordedEvent, Rejected, RejectedEffect,
    Sequence, TimerChange, Trigger,
};
use seriatim_derive::Event;
use uuid::Uuid;

#[derive(Event, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[seriatim(crate = "seriatim_core")]
enum Input {
    Set { timer: String },
    SetTwice { timer: String },
    Cancel { timer: String },
    Finish,
}

#[derive(Default, Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Clock {
    rung: u32,
}

impl ProcessManager for Clock {
    const NAME: &'static str = "clock";
    type Input = Input;

    fn filter() -> EventFilter {
        EventFilter::default()
    }

    fn correlate(_: &RecordedEvent) -> Result<Option<(Uuid, Input)>, DecodeError> {
        Ok(None)
    }

    fn decide(&self, trigger: &Trigger<Input>, plan: &mut Plan) {
        match trigger {
            Trigger::Input(Input::Set { timer }) => plan.set_timer(timer, Duration::from_secs(1)),
            Trigger::Input(Input::SetTwice { timer }) => {
                plan.set_timer(timer, Duration::from_secs(1));
                plan.set_timer("other", Duration::from_secs(3));
                plan.set_timer(timer, Duration::from_secs(2));
            }
            Trigger::Input(Input::Cancel { timer }) => plan.cancel_timer(timer),
            Trigger::Input(Input::Finish) => plan.finish(),
            Trigger::Timer(name) => plan.set_timer(name, Duration::from_secs(5)),
            Trigger::Rejected(_) => plan.set_timer("late", Duration::from_secs(1)),
        }
    }

    fn evolve(&mut self, trigger: &Trigger<Input>) {
        if let Trigger::Timer(_) = trigger {
            self.rung += 1;
        }
    }

    fn upcast(stored: Payload) -> Payload {
        if stored.type_name != "Stop" {
            return stored;
        }
        Payload {
            type_name: Cow::Borrowed("Finish"),
            ..stored
        }
    }
}

fn set(timer: &str) -> Input {
    Input::Set {
        timer: timer.into(),
    }
}

/// Sends the command, and applies the event that it leads to. Returns that event.
fn ask(clock: &mut Process<Clock>, command: &ProcessCommand<Clock>) -> Option<ProcessEvent<Clock>> {
    let Ok(mut events) = clock.decide(command);
    let event = events.pop()?;
    clock.evolve(&event);
    Some(event)
}

fn take(clock: &mut Process<Clock>, input: Input) -> Option<ProcessEvent<Clock>> {
    ask(clock, &ProcessCommand::Take(input))
}

fn fire(clock: &mut Process<Clock>, timer: &str, set_at: u32) -> Option<ProcessEvent<Clock>> {
    let fire = ProcessCommand::Fire {
        timer: timer.into(),
        set_at: Sequence(set_at),
    };
    ask(clock, &fire)
}

fn rejected() -> RejectedEffect {
    RejectedEffect {
        effect: EffectId {
            component: Component::new("clock").unwrap(),
            source: "clock/00000000-0000-0000-0000-000000000001"
                .parse()
                .unwrap(),
            sequence: Sequence(4),
            ordinal: 1,
        },
        target: "order/00000000-0000-0000-0000-000000000002"
            .parse()
            .unwrap(),
        commands: vec![Payload::json("Ship", "{}")],
        rejected: Rejected {
            code: "NotPaid".into(),
            message: "it is not paid".into(),
            fields: vec![("cents".into(), 5.into())],
        },
        metadata: Metadata::default(),
    }
}

#[test]
fn what_is_recorded_reads_back() {
    let mut clock = Process::<Clock>::default();
    let events = [
        take(&mut clock, set("tea")).unwrap(),
        fire(&mut clock, "tea", 0).unwrap(),
        clock.on_rejected(&rejected()).pop().unwrap(),
    ];
    let types = ["InputTaken", "TimerFired", "EffectRejected"];
    for (event, type_name) in events.iter().zip(types) {
        let payload = event.encode().unwrap();
        assert_eq!(payload.type_name, type_name);
        assert_eq!(&ProcessEvent::decode(&payload).unwrap(), event);
    }
}

#[test]
fn an_input_is_read_in_todays_shape() {
    let text = r#"{"trigger":{"type":"Stop","codec":"json","data":"{}"},"planned":{}}"#;
    let stored = Payload::json("InputTaken", text);
    let event = ProcessEvent::<Clock>::decode(&stored).unwrap();
    assert_eq!(event.trigger, Trigger::Input(Input::Finish));
}

#[test]
fn a_timer_counts_until_it_is_fired_cancelled_or_set_anew() {
    let mut clock = Process::<Clock>::default();
    take(&mut clock, set("tea")).unwrap();
    assert!(fire(&mut clock, "coffee", 0).is_none(), "there is none");
    take(&mut clock, set("tea")).unwrap();
    assert!(fire(&mut clock, "tea", 0).is_none(), "it was set anew");
    assert!(fire(&mut clock, "tea", 1).is_some());
    assert!(fire(&mut clock, "tea", 1).is_none(), "it has fired");
    assert!(
        fire(&mut clock, "tea", 2).is_some(),
        "firing has set it anew"
    );
    let cancel = Input::Cancel {
        timer: "tea".into(),
    };
    take(&mut clock, cancel).unwrap();
    assert!(fire(&mut clock, "tea", 3).is_none(), "it was cancelled");
    assert_eq!(clock.state().rung, 2);
}

#[test]
fn of_one_timer_the_last_word_counts() {
    let mut clock = Process::<Clock>::default();
    let twice = Input::SetTwice {
        timer: "tea".into(),
    };
    let event = take(&mut clock, twice).unwrap();
    let set = |(name, seconds): (&str, u64)| TimerChange::Set {
        name: name.into(),
        after: Duration::from_secs(seconds),
    };
    assert_eq!(event.planned.timers, [("other", 3), ("tea", 2)].map(set));
}

#[test]
fn after_the_end_only_rejections_come_and_set_no_timers() {
    let mut clock = Process::<Clock>::default();
    take(&mut clock, set("tea")).unwrap();
    let end = take(&mut clock, Input::Finish).unwrap();
    let cancelled = TimerChange::Cancel { name: "tea".into() };
    assert_eq!(end.planned.timers, [cancelled]);
    assert!(clock.is_finished());
    assert!(take(&mut clock, set("tea")).is_none());
    assert!(fire(&mut clock, "tea", 0).is_none());
    let told = clock.on_rejected(&rejected()).pop().unwrap();
    assert_eq!(told.planned.timers, []);
    assert!(told.planned.finished);
}

#[test]
fn a_timer_that_cannot_be_named_cannot_be_recorded() {
    for name in ["", "a\0b", &"x".repeat(257)] {
        let timer = name.to_owned();
        for input in [set(name), Input::Cancel { timer }] {
            let mut clock = Process::<Clock>::default();
            let event = take(&mut clock, input).unwrap();
            let error = event.encode().unwrap_err().source.to_string();
            assert!(error.contains("cannot name a timer"), "{error}");
        }
    }
}
