//! `dead-letters list`, `show`, `simulate`, `resubmit`, `edit`, `record`, `discard`.

use seriatim_core::{
    Action, Annotate, Assignee, CommandLetter, DeadLetter, Decision, FactOrigin, Forecast,
    HappenedAnyway, LetterFilter, LetterSimulation, LetterStatus, NewFact, NewJob, OnlyOfCommands,
    OpenLetter, OperatorError, Simulated, Verb,
};
use seriatim_proto::{CallError, Client};
use uuid::Uuid;

use super::reactions::refused;
use super::{jobs, letter_notes};
use crate::args::{
    About, DeadLetters, Discard, Edit, List, RecordInstead, Resubmit, Subject, Which,
};
use crate::editing::draft::Draft;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::input::payload;
use crate::output::{Output, forecast, letters as show, three_way};
use crate::readable::{Reader, readable};

pub(crate) async fn run(
    wanted: DeadLetters,
    actor: Option<String>,
    client: &Client,
    output: &Output,
) -> Result<Exit, Failure> {
    let dry_run = matches!(
        &wanted,
        DeadLetters::Resubmit(Resubmit { dry_run: true, .. })
    );
    match wanted {
        DeadLetters::List(wanted) => list(wanted, client, output).await,
        DeadLetters::Show { id } => self::show(id, client, output).await,
        DeadLetters::Faults(about) => letter_notes::faults(about, client, output).await,
        DeadLetters::Simulate(subject) => simulate(subject, client, output).await,
        DeadLetters::Resubmit(Resubmit { which, .. }) if dry_run => {
            simulate(which.subject, client, output).await
        }
        DeadLetters::Resubmit(Resubmit {
            which,
            reason,
            expect,
            ..
        }) => {
            let order = Order {
                action: Action::Resubmit { expected: expect },
                actor,
                reason,
            };
            carry_out(&order, which, client, output).await
        }
        DeadLetters::Edit(wanted) => edit(wanted, actor, client, output).await,
        DeadLetters::Record(wanted) => record(wanted, actor, client, output).await,
        DeadLetters::Annotate { id, note } => {
            letter_notes::annotate(id, &Annotate::Note(note), actor, client, output).await
        }
        DeadLetters::Assign(wanted) => letter_notes::assign(wanted, actor, client, output).await,
        DeadLetters::Unassign { id } => {
            let nobody = Annotate::Assign {
                to: Assignee::Nobody,
                from: None,
            };
            letter_notes::annotate(id, &nobody, actor, client, output).await
        }
        DeadLetters::Discard(Discard { which, reason }) => {
            let order = Order {
                action: Action::Discard,
                actor,
                reason: Some(reason),
            };
            carry_out(&order, which, client, output).await
        }
    }
}

/// An order for one letter or many.
struct Order {
    action: Action,
    actor: Option<String>,
    reason: Option<String>,
}

impl Order {
    fn about(&self, letter: Uuid) -> Decision {
        Decision {
            letter,
            action: self.action.clone(),
            actor: self.actor.clone(),
            reason: self.reason.clone(),
        }
    }
}

pub(super) fn filter(
    about: About,
    status: Option<LetterStatus>,
    latest_first: bool,
) -> LetterFilter {
    LetterFilter {
        kind: about.kind.map(Into::into),
        component: about.component,
        domain: about.domain,
        stream: about.stream,
        fault: about.fault,
        assignee: about.assignee,
        status,
        latest_first,
        after: None,
    }
}

async fn list(wanted: List, client: &Client, output: &Output) -> Result<Exit, Failure> {
    let filter = filter(wanted.about, wanted.status.into(), wanted.latest_first);
    let mut reader = Reader::new(client);
    let mut any = false;
    let mut page = None;
    loop {
        let answer = client.letters(&filter, page).await;
        let (letters, next) = answer.map_err(refused)?;
        any |= !letters.is_empty();
        let letters = reader.readable(letters).await;
        output.lines(&letters, show::listed_json, show::listed)?;
        page = next;
        if page.is_none() {
            break;
        }
    }
    if !any {
        output.hint("there are none");
    }
    Ok(Exit::Ok)
}

async fn show(id: Uuid, client: &Client, output: &Output) -> Result<Exit, Failure> {
    let (letter, annotations) = client.letter(id).await.map_err(refused)?;
    match readable(client, letter).await {
        OpenLetter::Command(view) => {
            let text = three_way::text(&view, &annotations);
            let json = show::three_way_json(&view);
            output.answer(&show::with_annotations(json, &annotations), &text)?;
        }
        OpenLetter::Reaction(given_up) => {
            let text = show::given_up(&given_up, &annotations);
            let json = show::given_up_json(&given_up);
            output.answer(&show::with_annotations(json, &annotations), &text)?;
        }
    }
    Ok(Exit::Ok)
}

async fn carry_out(
    order: &Order,
    which: Which,
    client: &Client,
    output: &Output,
) -> Result<Exit, Failure> {
    if let Some(id) = which.subject.id {
        let answer = client.decide(&order.about(id)).await;
        let letter = readable(client, answer.map_err(refused)?).await;
        let exit = print(order, &letter, output)?;
        if letter.status() == LetterStatus::Parked {
            output.hint(&format!(
                "next: what comes of it shows `seriatim dead-letters show {id}`"
            ));
        }
        return Ok(exit);
    }
    let verb = match &order.action {
        Action::Resubmit { .. } => Verb::Resubmit,
        Action::Discard => Verb::Discard,
        Action::Edit { .. } | Action::Record(_) => unreachable!("these are about one letter"),
    };
    let new = NewJob {
        verb,
        filter: filter(which.subject.about, Some(LetterStatus::Parked), false),
        through: None,
        reason: order.reason.clone(),
        stop_at_failure: which.stop_at_failure,
    };
    let actor = order.actor.as_deref();
    match (which.yes, which.detach) {
        (false, _) => jobs::count(&new, actor, client, output).await,
        (true, detach) => jobs::start(&new, actor, !detach, client, output).await,
    }
}

async fn edit(
    wanted: Edit,
    actor: Option<String>,
    client: &Client,
    output: &Output,
) -> Result<Exit, Failure> {
    let id = wanted.id;
    let mut draft = match &wanted.command {
        Some(file) => Draft::given(id, file)?,
        None => Draft::in_editor(&parked_command(id, client).await?)?,
    };
    let order = Order {
        action: Action::Edit {
            commands: draft.commands()?,
            expected: wanted.expect,
        },
        actor,
        reason: wanted.reason,
    };
    let letter = match client.decide(&order.about(id)).await {
        Ok(letter) => readable(client, letter).await,
        Err(error) => return Err(draft.kept(refused(error))),
    };
    let exit = print(&order, &letter, output)?;
    match exit {
        Exit::Ok => draft.remove(),
        _ => {
            let file = draft.save()?;
            output.hint(&format!("what you wrote is in {}", file.display()));
        }
    }
    Ok(exit)
}

async fn record(
    wanted: RecordInstead,
    actor: Option<String>,
    client: &Client,
    output: &Output,
) -> Result<Exit, Failure> {
    let happened = HappenedAnyway {
        fact: NewFact {
            payload: payload(wanted.type_name, &wanted.content)?,
            origin: FactOrigin {
                source: wanted.source,
                description: wanted.description,
            },
        },
        external_id: wanted.external_id,
        route_to_aggregate: wanted.no_route.then_some(false),
    };
    let order = Order {
        action: Action::Record(Box::new(happened)),
        actor,
        reason: wanted.reason,
    };
    let letter = client.decide(&order.about(wanted.id)).await;
    let letter = readable(client, letter.map_err(refused)?).await;
    print(&order, &letter, output)
}

/// Returns the letter of a command that waits. It is asked before an editor is opened for nothing.
async fn parked_command(id: Uuid, client: &Client) -> Result<CommandLetter, Failure> {
    let (letter, _) = client.letter(id).await.map_err(refused)?;
    let refusal = match readable(client, letter).await {
        OpenLetter::Command(view) if view.letter.status == LetterStatus::Parked => {
            return Ok(view.letter);
        }
        OpenLetter::Command(view) => OperatorError::Closed {
            id,
            status: view.letter.status,
            by: view.letter.closer(),
        },
        OpenLetter::Reaction(_) => OperatorError::OnlyOfCommands {
            id,
            what: OnlyOfCommands::Edit,
        },
    };
    Err(refused(CallError::Refused(refusal)))
}

async fn simulate(subject: Subject, client: &Client, output: &Output) -> Result<Exit, Failure> {
    match subject.id {
        Some(id) => simulate_one(id, client, output).await,
        None => simulate_all(subject.about, client, output).await,
    }
}

/// Returns the exit code that resubmitting would have had.
async fn simulate_one(id: Uuid, client: &Client, output: &Output) -> Result<Exit, Failure> {
    let simulation = client.simulate_letter(id).await.map_err(refused)?;
    let simulation = readable(client, simulation).await;
    let text = forecast::simulation(&simulation);
    output.answer(&forecast::simulation_json(id, &simulation), &text)?;
    Ok(match simulation {
        LetterSimulation::Reaction(_) => Exit::Ok,
        LetterSimulation::Command(simulation) => match simulation.outcome {
            Simulated::Commits { .. } | Simulated::Unchanged => Exit::Ok,
            Simulated::Duplicate(_)
            | Simulated::ExternalIdReused(_)
            | Simulated::Rejected(_)
            | Simulated::Conflict(_)
            | Simulated::Parks(_) => Exit::DeadLettered,
        },
    })
}

async fn simulate_all(about: About, client: &Client, output: &Output) -> Result<Exit, Failure> {
    let filter = filter(about, Some(LetterStatus::Parked), false);
    let (mut all, mut page) = (Forecast::default(), None);
    loop {
        let (part, next) = client.forecast(&filter, page).await.map_err(refused)?;
        all.add(&part);
        page = next;
        if page.is_none() {
            break;
        }
    }
    output.answer(&forecast::forecast_json(&all), &forecast::forecast(&all))?;
    output.hint(match all.letters() {
        0 => "nothing of that waits for a decision",
        _ => "nothing is done; each letter was tried by itself on what is current now",
    });
    Ok(match all.not_accepted() {
        0 => Exit::Ok,
        _ => Exit::DeadLettered,
    })
}

/// A command that is still parked was not accepted.
fn print(order: &Order, letter: &DeadLetter, output: &Output) -> Result<Exit, Failure> {
    let text = show::decided(&order.action, letter);
    output.answer(&show::letter_json(letter), &text)?;
    Ok(match letter {
        DeadLetter::Command(letter) if letter.status == LetterStatus::Parked => Exit::DeadLettered,
        DeadLetter::Command(_) | DeadLetter::Reaction(_) => Exit::Ok,
    })
}
