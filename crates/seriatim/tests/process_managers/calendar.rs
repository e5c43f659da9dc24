//! Timers at a time of the calendar, in a zone whose clocks are put forward and back.

use std::time::{Duration, SystemTime};

use jiff::civil::{Date, date, time};
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};
use seriatim::core::{DecodeError, EventFilter, Timestamp};
use seriatim::open_store;
use seriatim::prelude::*;
use seriatim_testkit::given_process;

use crate::fulfilment::Fulfilment;
use crate::stage::{NEVER, place, shop, steps, until};
use crate::storage::on_every_storage;

#[derive(Event, Serialize, Deserialize, Clone, Debug, PartialEq)]
struct Asked {
    year: i16,
    month: i8,
    day: i8,
}

/// Reminds people at half past two in the night of a day, in Berlin.
#[derive(Default, Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Reminder;

impl ProcessManager for Reminder {
    const NAME: &'static str = "reminder";
    type Input = Asked;

    fn filter() -> EventFilter {
        EventFilter::default()
    }

    fn correlate(recorded: &RecordedEvent) -> Result<Option<(Uuid, Asked)>, DecodeError> {
        let day = Asked {
            year: 2026,
            month: 1,
            day: 1,
        };
        Ok(Some((recorded.stream.root, day)))
    }

    fn decide(&self, trigger: &Trigger<Asked>, plan: &mut Plan) {
        if let Trigger::Input(Asked { year, month, day }) = trigger {
            plan.set_timer_at("remind", at_night(date(*year, *month, *day)));
        }
    }

    fn evolve(&mut self, _: &Trigger<Asked>) {}
}

/// A time that does not exist is taken an hour later; of one that exists twice the first is taken.
fn at_night(day: Date) -> SystemTime {
    let zone = TimeZone::get("Europe/Berlin").expect("the zones are built in");
    let local = day.to_datetime(time(2, 30, 0, 0)).to_zoned(zone);
    local.expect("jiff finds a time of every day").into()
}

#[test]
fn a_timer_for_a_time_in_a_zone_is_fixed_when_it_is_set() {
    for ((year, month, day), expected) in [
        ((2026, 1, 15), "2026-01-15T01:30:00Z"),
        ((2026, 7, 15), "2026-07-15T00:30:00Z"),
        // 2:00 is followed by 3:00.
        ((2026, 3, 29), "2026-03-29T01:30:00Z"),
        // 3:00 is followed by 2:00.
        ((2026, 10, 25), "2026-10-25T00:30:00Z"),
    ] {
        let expected: Timestamp = expected.parse().unwrap();
        given_process::<Reminder>([])
            .when(Asked { year, month, day })
            .then(|plan| plan.set_timer_at("remind", expected));
    }
}

#[derive(Event, Serialize, Deserialize, Clone, Debug, PartialEq)]
struct Ring {
    at: Timestamp,
}

/// Rings a while after each event, at a time that it has worked out.
#[derive(Default, Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Alarm;

impl ProcessManager for Alarm {
    const NAME: &'static str = "alarm";
    type Input = Ring;

    fn filter() -> EventFilter {
        Fulfilment::filter()
    }

    fn correlate(recorded: &RecordedEvent) -> Result<Option<(Uuid, Ring)>, DecodeError> {
        let at = recorded.recorded_at.later_by(Duration::from_millis(300));
        Ok(Some((recorded.stream.root, Ring { at })))
    }

    fn decide(&self, trigger: &Trigger<Ring>, plan: &mut Plan) {
        match trigger {
            Trigger::Input(Ring { at }) => {
                plan.set_timer_at("ring", *at);
                plan.set_timer_at("over", Timestamp::EPOCH);
                let never = at.later_by(Duration::from_millis(NEVER));
                plan.set_timer_at("never", never);
            }
            Trigger::Timer(_) | Trigger::Rejected(_) => {}
        }
    }

    fn evolve(&mut self, _: &Trigger<Ring>) {}
}

on_every_storage! {
    a_timer_for_a_time_rings_then_and_not_before
}

async fn a_timer_for_a_time_rings_then_and_not_before(url: &str) {
    let store = open_store(url).await.unwrap();
    let app = shop(store.clone()).process_manager::<Alarm>();
    let app = app.start().await.unwrap();
    let order = place(&app, Uuid::nil(), NEVER).await;
    until("it has rung", async || {
        steps::<Alarm>(&app, order).await.len() == 3
    })
    .await;
    let all = steps::<Alarm>(&app, order).await;
    let Trigger::Input(Ring { at }) = all[0].1.trigger else {
        panic!("{all:?}")
    };
    let rung: Vec<_> = all[1..]
        .iter()
        .map(|(recorded, step)| match &step.trigger {
            Trigger::Timer(name) => (name.as_str(), recorded.recorded_at),
            other => panic!("{other:?}"),
        })
        .collect();
    let [("over", _), ("ring", rung_at)] = rung[..] else {
        panic!("{rung:?}")
    };
    assert!(rung_at >= at, "{rung_at} is before {at}");
    // Those that have fired are dropped a moment later.
    until("they are dropped", async || {
        store.timers(None, 9).await.unwrap().len() == 1
    })
    .await;
    let kept = store.timers(None, 9).await.unwrap();
    let kept: Vec<_> = kept.iter().map(|timer| (&*timer.name, timer.due)).collect();
    assert_eq!(kept, [("never", at.later_by(Duration::from_millis(NEVER)))]);
    app.shutdown().await.unwrap();
}
