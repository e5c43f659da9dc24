//! Converts workflows.

use seriatim_core::{Begin, DeadLetter, Domain, WorkflowPage};

use super::invalid::Invalid;
use super::subscription::{begin, correlation_id, cursor, subscribed_event, subscribed_events};
use crate::v1;

/// Makes the request for a part of a workflow.
pub(crate) fn workflow_request(id: &str, from: Option<&Begin>) -> v1::GetWorkflowRequest {
    v1::GetWorkflowRequest {
        correlation_id: id.to_owned(),
        begin: from.map(Into::into),
    }
}

/// Reads the id of the workflow, and where to begin.
pub fn workflow_asked(request: v1::GetWorkflowRequest) -> Result<(String, Option<Begin>), Invalid> {
    let id = correlation_id(&request.correlation_id);
    let from = request.begin.map(|from| begin(Some(from))).transpose()?;
    Ok((
        id.map_err(|invalid| invalid.within("correlation_id"))?,
        from,
    ))
}

/// Makes the answer, with the events of the domains that the caller may see.
pub fn workflow_answer(
    page: &WorkflowPage,
    letters: Vec<v1::DeadLetter>,
    may_see: impl Fn(&Domain) -> bool,
) -> v1::GetWorkflowResponse {
    let events = page.events.iter();
    let events = events.filter(|event| may_see(&event.stream.domain));
    v1::GetWorkflowResponse {
        events: events.map(subscribed_event).collect(),
        letters,
        next_cursor: page
            .next
            .as_ref()
            .map(ToString::to_string)
            .unwrap_or_default(),
    }
}

/// Reads the answer.
pub(crate) fn workflow(
    id: &str,
    answer: v1::GetWorkflowResponse,
) -> Result<(WorkflowPage, Vec<DeadLetter>), Invalid> {
    let next = match answer.next_cursor.as_str() {
        "" => None,
        text => Some(cursor(text, "next_cursor")?),
    };
    let letters = answer.letters.into_iter().enumerate();
    let letters = letters.map(|(at, letter)| {
        DeadLetter::try_from(letter)
            .map_err(|invalid| invalid.within(format_args!("letters[{at}]")))
    });
    let page = WorkflowPage {
        id: id.to_owned(),
        events: subscribed_events(answer.events)?,
        next,
    };
    Ok((page, letters.collect::<Result<_, _>>()?))
}
