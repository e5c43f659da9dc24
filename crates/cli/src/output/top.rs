//! Components at a glance.

use std::time::Duration;

use seriatim_core::{ListedLetter, Progress, Timestamp};
use seriatim_proto::Page;

use super::lines::Lines;

/// Everything that is shown at once.
pub(crate) fn view(
    progress: &[Progress],
    before: &[Progress],
    parked: &Page<ListedLetter>,
    now: Timestamp,
) -> Lines {
    let mut lines = table(progress, before, now);
    lines.append(&commands(parked, now));
    lines
}

/// Returns a line for each piece of work; the rate counts from the look before, a second ago.
fn table(all: &[Progress], before: &[Progress], now: Timestamp) -> Lines {
    if all.is_empty() {
        return Lines::of("there are no components, or none has begun");
    }
    let head = [
        "COMPONENT",
        "POSITION",
        "EVENTS/S",
        "LAG",
        "BEHIND",
        "PARKED",
        "STATE",
    ];
    let head = head.map(str::to_owned).to_vec();
    let lines = all.iter().map(|progress| line(progress, before, now));
    let lines: Vec<_> = std::iter::once(head).chain(lines).collect();
    Lines::aligned(&lines)
}

/// Returns how many commands wait for a person, by the first page of them, and for how long; nothing if none does.
fn commands((letters, more): &Page<ListedLetter>, now: Timestamp) -> Lines {
    let Some(oldest) = letters.first() else {
        return Lines::default();
    };
    let or_more = if more.is_some() { " or more" } else { "" };
    let age = short(now.since(oldest.letter.parked_at()));
    let count = letters.len();
    Lines::of(&format!("{count}{or_more} commands parked for {age}"))
}

fn line(progress: &Progress, before: &[Progress], now: Timestamp) -> Vec<String> {
    let checkpoint = &progress.checkpoint;
    let same = |earlier: &&Progress| earlier.checkpoint.work == checkpoint.work;
    let rate = before.iter().find(same).map(|earlier| {
        let done = (checkpoint.at.position.0).saturating_sub(earlier.checkpoint.at.position.0);
        done.to_string()
    });
    let age = |since: Option<Timestamp>| since.map(|since| short(now.since(since)));
    let parked = match age(progress.parked_since) {
        Some(age) => format!("{} for {age}", progress.parked),
        None => progress.parked.to_string(),
    };
    let state = match (&checkpoint.paused, &checkpoint.owner) {
        (Some(why), _) => format!("paused: {why}"),
        (None, Some(owner)) => owner.clone(),
        (None, None) => "nobody works for it".into(),
    };
    vec![
        checkpoint.work.to_string(),
        checkpoint.at.position.to_string(),
        rate.unwrap_or_else(|| "-".into()),
        progress.lag().to_string(),
        age(progress.behind_since).unwrap_or_else(|| "-".into()),
        parked,
        state,
    ]
}

/// Returns a duration in the largest unit that gives at least one.
fn short(time: Duration) -> String {
    match time.as_secs() {
        0 => format!("{} ms", time.as_millis()),
        seconds @ 1..60 => format!("{seconds} s"),
        seconds @ 60..3600 => format!("{} min", seconds / 60),
        seconds => format!("{} h", seconds / 3600),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_short() {
        for (millis, text) in [
            (0, "0 ms"),
            (999, "999 ms"),
            (59_999, "59 s"),
            (3_599_999, "59 min"),
            (86_400_000, "24 h"),
        ] {
            assert_eq!(short(Duration::from_millis(millis)), text);
        }
    }
}
