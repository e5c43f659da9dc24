//! Lists letters.

use askama::Template;
use axum::Extension;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;
use seriatim_core::{
    Assignee, Component, DeadLetter, Domain, FaultGroup, LetterFilter, LetterKind, LetterStatus,
    ReactionLetter,
};
use seriatim_security::Verb;
use uuid::Uuid;

use crate::console::Shared;
use crate::frame::{Frame, page};
use crate::refusal::Refusal;
use crate::show::{self, Id, Moment};
use crate::visitor::Visitor;

/// The letters of a page.
const PAGE: usize = 50;
/// The letters that are read at once: each may hold a large command.
const AT_ONCE: usize = 10;
/// The most reads for one page. Who may see few letters of many gets a shorter page.
const MOST_READS: usize = 100;

/// What a visitor asks for. An empty field asks for all; without a status, for the letters that wait.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Wanted {
    status: Option<String>,
    kind: String,
    domain: String,
    component: String,
    /// The person who looks after them; `-` stands for nobody.
    assignee: String,
    /// Their fault, which may be an empty text; `None` asks for all.
    fault: Option<String>,
    after: String,
}

#[derive(Template)]
#[template(path = "letters.html")]
struct LettersPage {
    frame: Frame,
    status: String,
    kind: String,
    domain: String,
    component: String,
    assignee: String,
    fault: Option<String>,
    /// The faults of those that wait, if the visitor asks for these.
    faults: Vec<FaultLine>,
    /// Whether there are more of them.
    more_faults: bool,
    letters: Vec<LetterLine>,
    /// True if a job about those that wait can be started from here.
    offers_job: bool,
    next: Option<Uuid>,
}

/// A letter in the list.
pub(crate) struct LetterLine {
    pub(crate) id: Id,
    pub(crate) status: &'static str,
    pub(crate) at: Moment,
    pub(crate) kind: String,
    pub(crate) stream: String,
    pub(crate) what: String,
    assignee: String,
}

/// A fault for which letters wait.
struct FaultLine {
    count: u64,
    of: String,
    component: String,
    domain: String,
    first: Option<Moment>,
    last: Option<Moment>,
    fault: String,
    shown: String,
}

/// The most faults that are shown.
const FAULTS: usize = 20;
/// The most faults that are counted: those that the visitor may not see are left out of them.
const MOST_FAULTS: usize = 1000;

/// Lists the letters that the visitor asks for and may see, newest first.
pub(crate) async fn list(
    State(shared): State<Shared>,
    Extension(visitor): Extension<Visitor>,
    Query(wanted): Query<Wanted>,
) -> Result<Response, Refusal> {
    visitor.check(Verb::LettersRead)?;
    let filter = wanted.filter()?;
    let (faults, more_faults) = faults(&shared, &visitor, &filter, &wanted).await?;
    let (found, next) = find(&shared, &visitor, filter).await?;
    let assignees = shared.desk.assignees(&found).await?;
    let letters = found.iter().map(|letter| LetterLine {
        assignee: (assignees.get(&letter.id())).map_or_else(String::new, |name| show::line(name)),
        ..line(letter, &visitor)
    });
    let letters = letters.collect();
    let waiting = wanted.status() == LetterStatus::Parked.as_str();
    let list = LettersPage {
        offers_job: waiting && !found.is_empty() && visitor.may_at_all(Verb::LettersResolve),
        frame: Frame::new("Letters", "/letters", &visitor).showing_changes(),
        status: wanted.status().to_owned(),
        kind: wanted.kind,
        domain: wanted.domain,
        component: wanted.component,
        assignee: wanted.assignee,
        fault: wanted.fault,
        faults,
        more_faults,
        letters,
        next,
    };
    Ok(page(StatusCode::OK, &list))
}

/// Returns the faults of the letters that wait, if these are asked for and none is chosen yet, and
/// whether there are more. A fault tells of the content of letters, so those are left out whose content the visitor may
/// not see.
async fn faults(
    shared: &Shared,
    visitor: &Visitor,
    filter: &LetterFilter,
    wanted: &Wanted,
) -> Result<(Vec<FaultLine>, bool), Refusal> {
    let waiting = filter.status == Some(LetterStatus::Parked);
    if !waiting || wanted.fault.is_some() || filter.after.is_some() {
        return Ok((Vec::new(), false));
    }
    let groups = shared.desk.fault_groups(filter, MOST_FAULTS).await?;
    let may = |verb, group: &FaultGroup| visitor.may(verb, &group.domain);
    let groups = groups
        .into_iter()
        .filter(|group| may(Verb::LettersRead, group) && may(Verb::LettersPayload, group));
    let mut groups = groups.map(FaultLine::from);
    let shown = groups.by_ref().take(FAULTS).collect();
    Ok((shown, groups.next().is_some()))
}

impl From<FaultGroup> for FaultLine {
    fn from(group: FaultGroup) -> Self {
        let component = group.component.as_ref().map(ToString::to_string);
        Self {
            count: group.count,
            of: component.clone().unwrap_or_else(|| "command".into()),
            component: component.unwrap_or_default(),
            domain: group.domain.to_string(),
            first: group.first_seen().map(Moment::from),
            last: group.last_seen().map(Moment::from),
            shown: match group.fault.as_str() {
                "" => "(kept before faults were written down)".into(),
                fault => show::line(fault),
            },
            fault: group.fault,
        }
    }
}

/// Returns a page of letters, and the one after which the next page begins.
async fn find(
    shared: &Shared,
    visitor: &Visitor,
    mut filter: LetterFilter,
) -> Result<(Vec<DeadLetter>, Option<Uuid>), Refusal> {
    let mut found: Vec<DeadLetter> = Vec::new();
    for _ in 0..MOST_READS {
        let letters = shared.desk.letters(&filter, AT_ONCE).await?;
        let is_last = letters.len() < AT_ONCE;
        for letter in letters {
            if found.len() == PAGE {
                return Ok((found, filter.after));
            }
            filter.after = Some(letter.id());
            if visitor.may(Verb::LettersRead, &letter.stream().domain) {
                found.push(letter);
            }
        }
        if is_last {
            return Ok((found, None));
        }
    }
    Ok((found, filter.after))
}

impl Wanted {
    /// Returns the question for letters that wait.
    pub(crate) fn waiting(
        kind: &str,
        domain: &str,
        component: &str,
        assignee: &str,
        fault: Option<String>,
    ) -> Self {
        Self {
            status: None,
            kind: kind.into(),
            domain: domain.into(),
            component: component.into(),
            assignee: assignee.into(),
            fault,
            after: String::new(),
        }
    }

    fn status(&self) -> &str {
        self.status
            .as_deref()
            .unwrap_or(LetterStatus::Parked.as_str())
    }

    pub(crate) fn filter(&self) -> Result<LetterFilter, Refusal> {
        let invalid = |what: &str| Refusal::Invalid(format!("{what}. Go back and choose another."));
        let given = |text: &str| (!text.trim().is_empty()).then(|| text.trim().to_owned());
        let status = given(self.status()).map(|status| status.parse::<LetterStatus>());
        let domain = given(&self.domain).map(|name| Domain::new(&name));
        let component = given(&self.component).map(|name| Component::new(&name));
        let after = given(&self.after).map(|id| id.parse::<Uuid>());
        Ok(LetterFilter {
            kind: match self.kind.as_str() {
                "" => None,
                "command" => Some(LetterKind::Command),
                "reaction" => Some(LetterKind::Reaction),
                _ => return Err(invalid("This is no kind of letter")),
            },
            status: status
                .transpose()
                .map_err(|error| invalid(&error.to_string()))?,
            domain: domain
                .transpose()
                .map_err(|error| invalid(&error.to_string()))?,
            component: (component.transpose()).map_err(|error| invalid(&error.to_string()))?,
            after: after
                .transpose()
                .map_err(|_| invalid("This is no place in the list"))?,
            stream: None,
            fault: self.fault.clone(),
            assignee: given(&self.assignee).map(|name| match name.as_str() {
                "-" => Assignee::Nobody,
                name => Assignee::named(name),
            }),
            latest_first: true,
        })
    }
}

pub(crate) fn line(letter: &DeadLetter, visitor: &Visitor) -> LetterLine {
    let shows = visitor.may(Verb::LettersPayload, &letter.stream().domain);
    let (kind, what) = match letter {
        DeadLetter::Command(letter) => {
            let commands = letter.request.commands.iter();
            let types: Vec<_> = commands
                .map(|command| show::line(&command.type_name))
                .collect();
            ("command".to_owned(), types.join(", "))
        }
        DeadLetter::Reaction(letter) => {
            let failure = if shows {
                show::line(&letter.failure)
            } else {
                String::new()
            };
            (letter.work.component.to_string(), failure)
        }
    };
    LetterLine {
        id: letter.id().into(),
        status: standing(letter),
        at: letter.parked_at().into(),
        kind,
        stream: letter.stream().to_string(),
        what,
        assignee: String::new(),
    }
}

/// Returns its status, or what will be done about it.
pub(crate) fn standing(letter: &DeadLetter) -> &'static str {
    match letter {
        DeadLetter::Command(letter) => letter.status.as_str(),
        DeadLetter::Reaction(letter) => standing_of_event(letter),
    }
}

pub(crate) fn standing_of_event(letter: &ReactionLetter) -> &'static str {
    let verb = letter.decision.as_ref().map(|decision| decision.verb);
    match (letter.status, verb) {
        (LetterStatus::Parked, Some(seriatim_core::Verb::Resubmit)) => "is resubmitted",
        (LetterStatus::Parked, Some(seriatim_core::Verb::Discard)) => "is discarded",
        (status, _) => status.as_str(),
    }
}
