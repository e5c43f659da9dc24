//! Text about read models, for people and for programs.

use std::time::Duration;

use serde_json::{Value, json};
use seriatim_core::{ComparedTables, Comparison, ReadModelOverview, ReadModelVersion};

use super::lines::Lines;

pub(crate) fn json(model: &ReadModelOverview) -> Value {
    json_at(model, model.progress.rate())
}

pub(crate) fn json_at(model: &ReadModelOverview, rate: f64) -> Value {
    let progress = &model.progress;
    json!({
        "read_model": model.version.component(),
        "standing": model.standing.as_str(),
        "tables": model.tables,
        "handled": progress.handled,
        "of": progress.of,
        "percent": progress.percent(),
        "events_per_second": rate,
        "seconds_left": progress.left_at(rate).map(|left| left.as_secs_f64()),
        "begun_at": progress.begun_at,
        "moved_at": progress.moved_at,
        "owners": model.owners,
        "paused": model.paused,
    })
}

pub(crate) fn list(all: &[ReadModelOverview]) -> Lines {
    let rows: Vec<_> = all
        .iter()
        .map(|model| {
            let progress = &model.progress;
            vec![
                model.version.component().to_string(),
                model.standing.to_string(),
                format!("{} %", progress.percent()),
                format!("{} of {} events", progress.handled, progress.of),
                fed(model),
            ]
        })
        .collect();
    Lines::aligned(&rows)
}

fn fed(model: &ReadModelOverview) -> String {
    match (&model.paused, model.owners.as_slice()) {
        (Some(why), _) => format!("paused: {why}"),
        (None, []) => "fed by nobody".into(),
        (None, owners) => format!("fed by {}", owners.join(", ")),
    }
}

pub(crate) fn progress(model: &ReadModelOverview, rate: f64) -> Lines {
    [progress_line(model, rate), fed(model)]
        .into_iter()
        .collect()
}

pub(crate) fn progress_line(model: &ReadModelOverview, rate: f64) -> String {
    let progress = &model.progress;
    let left = match progress.left_at(rate) {
        Some(Duration::ZERO) => "nothing left to do".into(),
        Some(left) => format!("{rate:.0} events/s, {} left", time(left)),
        None => "it does not move".into(),
    };
    format!(
        "{}: {} %, {} of {} events, {left}",
        model.version.component(),
        progress.percent(),
        progress.handled,
        progress.of,
    )
}

/// Returns a duration in its two largest units, never less than it is.
fn time(left: Duration) -> String {
    let seconds = left.as_secs() + u64::from(left.subsec_nanos() > 0);
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3600 => format!("{} min {} s", seconds / 60, seconds % 60),
        _ => format!("{} h {} min", seconds / 3600, seconds % 3600 / 60),
    }
}

pub(crate) fn compared_json(version: &ReadModelVersion, compared: &ComparedTables) -> Value {
    let tables = compared.tables.iter().map(|(table, comparison)| {
        json!({
            "table": table,
            "equal": comparison.is_equal(),
            "at_same_position": comparison.at_same_position,
            "live_rows": comparison.live_rows,
            "rows": comparison.rows,
            "only_live": comparison.only_live,
            "only_other": comparison.only_other,
        })
    });
    json!({
        "read_model": version.component(),
        "live": compared.live.component(),
        "equal": compared.is_equal(),
        "tables": tables.collect::<Vec<_>>(),
        "only_in_one": compared.only_in_one,
    })
}

pub(crate) fn compared(version: &ReadModelVersion, compared: &ComparedTables) -> Lines {
    let head = match *version == compared.live {
        true => format!("{} is the live one itself", version.component()),
        false => format!(
            "{} beside {}, which is live",
            version.component(),
            compared.live.component()
        ),
    };
    let tables = compared.tables.iter();
    let tables = tables.map(|(table, comparison)| vec![table.clone(), difference(comparison)]);
    let only = compared.only_in_one.iter();
    let only = only.map(|table| vec![table.clone(), "only one of them has it".into()]);
    let mut lines = Lines::of(&head);
    lines.append(&Lines::aligned(&tables.chain(only).collect::<Vec<_>>()));
    lines
}

fn difference(comparison: &Comparison) -> String {
    let Comparison {
        live_rows,
        rows,
        only_live,
        only_other,
        ..
    } = comparison;
    match comparison.is_equal() {
        true => format!("the same: {rows} rows"),
        false => format!(
            "differs: {rows} rows, the live one {live_rows}; \
             {only_other} only here, {only_live} only in the live one"
        ),
    }
}

pub(crate) fn switched_json(
    version: &ReadModelVersion,
    before: Option<&ReadModelVersion>,
) -> Value {
    json!({
        "live": version.component(),
        "kept": before.map(ReadModelVersion::component),
    })
}

pub(crate) fn switched(version: &ReadModelVersion, before: Option<&ReadModelVersion>) -> Lines {
    let version = version.component();
    Lines::of(&match before {
        Some(before) => format!("{version} is live; {} is kept", before.component()),
        None => format!("{version} is live already"),
    })
}

/// Returns what is lost with a version.
pub(crate) fn loss(model: &ReadModelOverview) -> String {
    let progress = &model.progress;
    format!(
        "{}, which is {}: its tables ({}) and its progress ({} of {} events)",
        model.version.component(),
        model.standing,
        model.tables.join(", "),
        progress.handled,
        progress.of,
    )
}

pub(crate) fn dropped(version: &ReadModelVersion) -> Lines {
    Lines::of(&format!("{} is dropped", version.component()))
}

#[cfg(test)]
mod tests {
    use seriatim_core::{ReadModelProgress, Timestamp, VersionStanding};

    use super::*;

    fn model(handled: u64, of: u64) -> ReadModelOverview {
        ReadModelOverview {
            version: ReadModelVersion::new("balances", 2).unwrap(),
            standing: VersionStanding::Building,
            tables: vec!["balances_v2".into()],
            progress: ReadModelProgress {
                handled,
                of,
                begun_at: Timestamp::from_micros(0),
                moved_at: Timestamp::from_micros(2_000_000),
            },
            owners: Vec::new(),
            paused: None,
        }
    }

    #[test]
    fn progress_says_how_fast_it_goes_and_what_is_left() {
        for (handled, of, rate, said) in [
            (0, 0, 0.0, "100 %, 0 of 0 events, nothing left to do"),
            (7, 7, 0.0, "100 %, 7 of 7 events, nothing left to do"),
            (0, 7, 0.0, "0 %, 0 of 7 events, it does not move"),
            (
                400,
                1000,
                200.0,
                "40 %, 400 of 1000 events, 200 events/s, 3 s left",
            ),
            (
                1,
                100_000,
                10.0,
                "0 %, 1 of 100000 events, 10 events/s, 2 h 46 min left",
            ),
        ] {
            let line = progress_line(&model(handled, of), rate);
            assert_eq!(line, format!("balances.v2: {said}"));
        }
    }

    #[test]
    fn time_left_is_never_less_than_it_is() {
        for (millis, text) in [
            (1, "1 s"),
            (59_001, "1 min 0 s"),
            (3_599_000, "59 min 59 s"),
            (3_600_000, "1 h 0 min"),
        ] {
            assert_eq!(time(Duration::from_millis(millis)), text);
        }
    }
}
