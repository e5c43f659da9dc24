//! Lists the versions of read models in SQL, with their progress.

use std::time::Duration;

use askama::Template;
use axum::Extension;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use seriatim_core::{ReadModelOverview, ReadModelProgress};
use seriatim_security::Verb;

use crate::console::Shared;
use crate::frame::{Frame, page};
use crate::refusal::Refusal;
use crate::show::{self, Moment};
use crate::visitor::Visitor;

#[derive(Template)]
#[template(path = "read_models.html")]
struct ReadModelsPage {
    frame: Frame,
    models: Vec<ModelLine>,
}

/// A version of a read model.
pub(crate) struct ModelLine {
    /// Its component, such as `balances.v2`, which names it.
    pub(crate) name: String,
    pub(crate) standing: &'static str,
    pub(crate) tables: String,
    pub(crate) handled: u64,
    pub(crate) of: u64,
    pub(crate) percent: u64,
    /// How fast it goes and how long the rest takes.
    pub(crate) left: String,
    pub(crate) begun: Moment,
    pub(crate) moved: Moment,
    pub(crate) owners: String,
    pub(crate) paused: Option<String>,
}

/// Lists all versions.
pub(crate) async fn list(
    State(shared): State<Shared>,
    Extension(visitor): Extension<Visitor>,
) -> Result<Response, Refusal> {
    visitor.check(Verb::Observe)?;
    let models = shared.reactions.read_models(None).await?;
    let models = ReadModelsPage {
        frame: Frame::new("Read models", "/read-models", &visitor),
        models: models.iter().map(ModelLine::from).collect(),
    };
    Ok(page(StatusCode::OK, &models))
}

impl From<&ReadModelOverview> for ModelLine {
    fn from(model: &ReadModelOverview) -> Self {
        let progress = &model.progress;
        let owners: Vec<_> = model.owners.iter().map(|owner| show::line(owner)).collect();
        Self {
            name: model.version.component().to_string(),
            standing: model.standing.as_str(),
            tables: model.tables.join(", "),
            handled: progress.handled,
            of: progress.of,
            percent: progress.percent(),
            left: left(progress),
            begun: progress.begun_at.into(),
            moved: progress.moved_at.into(),
            owners: match owners.is_empty() {
                true => "nobody".into(),
                false => owners.join(", "),
            },
            paused: model.paused.as_deref().map(show::line),
        }
    }
}

/// Returns how long the rest takes at the average rate since the version began.
fn left(progress: &ReadModelProgress) -> String {
    let rate = progress.rate();
    match progress.left_at(rate) {
        Some(Duration::ZERO) => "nothing left to do".into(),
        Some(left) => format!("{rate:.0} events/s, {} left", duration(left)),
        None => "it does not move".into(),
    }
}

/// Returns a duration in its two largest units. A part of the smaller one counts as a whole one.
fn duration(time: Duration) -> String {
    let seconds = time.as_secs() + u64::from(time.subsec_nanos() > 0);
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3600 => format!("{} min {} s", seconds / 60, seconds % 60),
        _ => {
            let minutes = seconds.div_ceil(60);
            format!("{} h {} min", minutes / 60, minutes % 60)
        }
    }
}

#[cfg(test)]
mod tests {
    use seriatim_core::Timestamp;

    use super::*;

    fn progress(handled: u64, of: u64, seconds: i64) -> ReadModelProgress {
        ReadModelProgress {
            handled,
            of,
            begun_at: Timestamp::EPOCH,
            moved_at: Timestamp::from_micros(seconds * 1_000_000),
        }
    }

    #[test]
    fn the_time_left_is_that_at_the_rate_so_far() {
        for (handled, of, seconds, said) in [
            (0, 0, 0, "nothing left to do"),
            (0, 10, 0, "it does not move"),
            (100, 200, 10, "10 events/s, 10 s left"),
            (1000, 8501, 100, "10 events/s, 12 min 31 s left"),
            (1000, 37_001, 100, "10 events/s, 1 h 1 min left"),
        ] {
            assert_eq!(left(&progress(handled, of, seconds)), said);
        }
    }
}
