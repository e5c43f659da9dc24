//! Shows at a glance how everything is.

use askama::Template;
use axum::Extension;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use seriatim_core::{LetterFilter, LetterStatus, Progress, Timestamp};
use seriatim_runtime::AuditStatus;
use seriatim_security::Verb;

use crate::console::Shared;
use crate::frame::{Frame, page};
use crate::refusal::Refusal;
use crate::show::{self, Moment};
use crate::visitor::Visitor;

/// The most letters that are counted: a letter is read for that, and may hold a large command.
const MOST_COUNTED: usize = 200;
/// The number of letters that are read at once.
const AT_ONCE: usize = 20;

#[derive(Template)]
#[template(path = "overview.html")]
struct OverviewPage {
    frame: Frame,
    domains: Vec<DomainLine>,
    letters: Option<Waiting>,
    work: Option<Vec<WorkLine>>,
    audit: Option<Verdict>,
}

struct DomainLine {
    name: String,
    commands: String,
    events: String,
}

/// The letters that wait, as far as the visitor may see them.
#[derive(Default)]
struct Waiting {
    count: usize,
    is_more: bool,
    oldest: Option<Moment>,
    age: String,
}

/// A piece of work of a component.
struct WorkLine {
    name: String,
    lag: u64,
    behind_since: Option<Moment>,
    parked: usize,
    is_paused: bool,
}

struct Verdict {
    is_sound: bool,
    text: String,
}

/// Shows the overview, as far as the visitor may see it.
pub(crate) async fn show(
    State(shared): State<Shared>,
    Extension(visitor): Extension<Visitor>,
) -> Result<Response, Refusal> {
    let letters = match visitor.may_at_all(Verb::LettersRead) {
        true => Some(waiting(&shared, &visitor).await?),
        false => None,
    };
    let (mut work, mut audit) = (None, None);
    if visitor.may_at_all(Verb::Observe) {
        let progress = shared.reactions.progress().await?;
        work = Some(progress.iter().map(work_line).collect());
        audit = (shared.audits.as_ref()).map(|audits| verdict(&audits.borrow()));
    }
    let overview = OverviewPage {
        frame: Frame::new("Overview", "/", &visitor).showing_changes(),
        domains: domains(&shared, &visitor),
        letters,
        work,
        audit,
    };
    Ok(page(StatusCode::OK, &overview))
}

fn domains(shared: &Shared, visitor: &Visitor) -> Vec<DomainLine> {
    let domains = shared.coordinator.domains().into_iter();
    let readable = domains.filter(|info| visitor.may(Verb::Read, &info.domain));
    readable
        .map(|info| DomainLine {
            name: info.domain.to_string(),
            commands: info.commands.join(", "),
            events: info.events.join(", "),
        })
        .collect()
}

/// Counts the letters that wait, oldest first, up to a limit.
async fn waiting(shared: &Shared, visitor: &Visitor) -> Result<Waiting, Refusal> {
    let mut waiting = Waiting::default();
    let mut filter = LetterFilter {
        status: Some(LetterStatus::Parked),
        ..LetterFilter::default()
    };
    for _ in 0..MOST_COUNTED / AT_ONCE {
        let letters = shared.desk.letters(&filter, AT_ONCE).await?;
        for letter in &letters {
            filter.after = Some(letter.id());
            if !visitor.may(Verb::LettersRead, &letter.stream().domain) {
                continue;
            }
            waiting.count += 1;
            if waiting.oldest.is_none() {
                waiting.age = show::age(letter.parked_at(), Timestamp::now());
                waiting.oldest = Some(letter.parked_at().into());
            }
        }
        if letters.len() < AT_ONCE {
            return Ok(waiting);
        }
    }
    waiting.is_more = true;
    Ok(waiting)
}

fn work_line(progress: &Progress) -> WorkLine {
    WorkLine {
        name: progress.checkpoint.work.to_string(),
        lag: progress.lag(),
        behind_since: progress.behind_since.map(Into::into),
        parked: progress.parked,
        is_paused: progress.checkpoint.paused.is_some(),
    }
}

fn verdict(status: &AuditStatus) -> Verdict {
    if let Some(error) = &status.error {
        return Verdict {
            is_sound: false,
            text: format!("it cannot continue: {error}"),
        };
    }
    match &status.latest {
        None => Verdict {
            is_sound: true,
            text: "it has not come to the end of the log yet".into(),
        },
        Some(audit) if audit.is_sound() => Verdict {
            is_sound: true,
            text: format!("sound, in {}", rounds(status)),
        },
        Some(audit) => Verdict {
            is_sound: false,
            text: format!(
                "damaged, with {}",
                show::count(audit.findings_total, "finding", "findings")
            ),
        },
    }
}

fn rounds(status: &AuditStatus) -> String {
    show::count(status.rounds, "round", "rounds")
}
