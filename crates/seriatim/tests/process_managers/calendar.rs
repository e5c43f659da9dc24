//! Timers at a time of the calendar, in a zone whose clocks are put forward and back.

use std::time::SystemTime;

use jiff::civil::{Date, date, time};
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};
use seriatim::core::{DecodeError, EventFilter, Timestamp};
use seriatim::prelude::*;
use seriatim_testkit::given_process;

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
