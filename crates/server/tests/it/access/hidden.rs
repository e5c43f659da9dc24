//! What a caller may not see is left out.

use prost::Message;
use seriatim_core::{MergeStrategy, StreamId};
use seriatim_proto::{convert, v1};
use seriatim_security::Verb;
use tonic::Code;
use uuid::Uuid;
use v1::command_service_client::CommandServiceClient;
use v1::dead_letter::Letter;

use super::callers::{Asking, Shown, all_events, by, call, reason, word};
use crate::rig::*;

const SECRET: &str = "the-combination-is-4711";

/// A server with a till of two events, and a letter about it.
async fn with_a_letter() -> (Asking, StreamId, Uuid) {
    let server = Asking::start(|server| server).await;
    let owner = server.principal("owner", &[(Verb::Submit, "*"), (Verb::Read, "*")]);
    let stream = till();
    let mut client = CommandServiceClient::new(server.rig.channel.clone());
    let mut label = ask(&stream, "Label", &format!(r#"{{"label":"{SECRET}"}}"#));
    let cover = label.book.as_mut().and_then(|book| book.cover.as_mut());
    cover.unwrap().correlation_id = "checkout-7".into();
    for _ in 0..2 {
        client.submit(by(&owner, label.clone())).await.unwrap();
    }
    let parked = client
        .submit(by(&owner, stale(0, MergeStrategy::Manual, label)))
        .await;
    let id = dead_lettered(&parked.unwrap().into_inner()).id.clone();
    let id = convert::uuid(id.as_ref(), "id").unwrap();
    (server, stream, id)
}

impl Asking {
    async fn ask<A: Message + Default>(
        &self,
        shown: &Shown,
        method: &str,
        message: &impl Message,
    ) -> Result<(A, Vec<u8>), tonic::Status> {
        let path = format!("/seriatim.v1.{method}");
        let headers = [("authorization", shown.header.clone())];
        let answer = call(&self.rig.channel, &path, message.encode_to_vec(), &headers).await?;
        let bytes = answer.unwrap();
        Ok((A::decode(&bytes[..]).unwrap(), bytes))
    }
}

fn shows_the_secret(bytes: &[u8]) -> bool {
    bytes
        .windows(SECRET.len())
        .any(|part| part == SECRET.as_bytes())
}

#[tokio::test]
async fn letters_are_shown_as_far_as_the_rights_go() {
    let (server, _, letter) = with_a_letter().await;
    let id = Some(letter.into());
    let list = v1::DeadLetterServiceListRequest::default();
    let get = v1::DeadLetterServiceGetRequest { id: id.clone() };
    let letters = async |shown: &Shown| {
        let answer =
            server.ask::<v1::DeadLetterServiceListResponse>(shown, "DeadLetterService/List", &list);
        let (answer, bytes) = answer.await.unwrap();
        (answer.letters, shows_the_secret(&bytes))
    };
    let opened = async |shown: &Shown| {
        let answer =
            server.ask::<v1::DeadLetterServiceGetResponse>(shown, "DeadLetterService/Get", &get);
        answer.await.map(|(_, bytes)| shows_the_secret(&bytes))
    };

    let elsewhere = server.principal("elsewhere", &[(Verb::LettersRead, "meter")]);
    assert_eq!(letters(&elsewhere).await.0.len(), 0);
    let status = opened(&elsewhere).await.unwrap_err();
    assert_eq!(reason(&status), "UNKNOWN_DEAD_LETTER");

    let reads = server.principal("reads", &[(Verb::LettersRead, "till")]);
    let (found, has_secret) = letters(&reads).await;
    assert_eq!((found.len(), has_secret), (1, false));
    let Some(Letter::Command(command)) = &found[0].letter else {
        panic!("it is a command")
    };
    assert_eq!(command.base_sha256_hex, "");
    let status = opened(&reads).await.unwrap_err();
    assert_eq!(word(&status, "verb"), "letters.payload");

    let rights = [(Verb::LettersRead, "till"), (Verb::LettersPayload, "till")];
    let sees = server.principal("sees", &rights);
    assert!(letters(&sees).await.1);
    assert!(opened(&sees).await.unwrap());
}

/// A job is about letters of domains for which its caller has the rights, and nobody else sees it.
#[tokio::test]
async fn jobs_are_shown_and_counted_as_far_as_the_rights_go() {
    let (server, _, letter) = with_a_letter().await;
    let rights = |domain: &'static str| {
        let verbs = [
            Verb::LettersRead,
            Verb::LettersResolve,
            Verb::LettersPayload,
        ];
        verbs.map(|verb| (verb, domain))
    };
    let fault = "the stream had moved on, and the command asks for a manual merge";
    let start = |count_only| v1::JobServiceStartRequest {
        verb: v1::DeadLetterVerb::Discard.into(),
        filter: Some(v1::JobFilter {
            fault: Some(fault.into()),
            ..Default::default()
        }),
        reason: "old".into(),
        count_only,
        ..Default::default()
    };
    let ask = async |shown: &Shown, count_only| {
        let asked = start(count_only);
        let answer = server.ask::<v1::JobServiceStartResponse>(shown, "JobService/Start", &asked);
        answer.await.map(|(answer, _)| answer.job.unwrap())
    };
    let elsewhere = server.principal("elsewhere", &rights("meter"));
    assert_eq!(ask(&elsewhere, true).await.unwrap().letters, 0);
    let reads = server.principal("reads", &[(Verb::LettersRead, "till")]);
    assert_eq!(reason(&ask(&reads, false).await.unwrap_err()), "DENIED");
    let owner = server.principal("ann", &rights("till"));
    let counted = ask(&owner, true).await.unwrap();
    assert_eq!((counted.letters, counted.id), (1, None));
    assert_eq!(counted.through, Some(letter.into()));

    let started = ask(&owner, false).await.unwrap();
    assert_eq!((started.letters, &started.started_by[..]), (1, "ann"));
    let list = v1::JobServiceListRequest::default();
    let jobs = async |shown: &Shown| {
        let answer = server.ask::<v1::JobServiceListResponse>(shown, "JobService/List", &list);
        answer.await.unwrap().0.jobs
    };
    let fault_of = |job: &v1::Job| job.filter.as_ref().unwrap().fault.clone();
    assert_eq!(jobs(&elsewhere).await, []);
    assert_eq!(fault_of(&jobs(&owner).await[0]).as_deref(), Some(fault));
    assert_eq!(fault_of(&jobs(&reads).await[0]), None);
    let pause = v1::JobServicePauseRequest { id: started.id };
    let pausing = async |shown: &Shown| {
        let answer = server.ask::<v1::JobServicePauseResponse>(shown, "JobService/Pause", &pause);
        answer.await.map(|(answer, _)| answer.job.unwrap())
    };
    let status = pausing(&elsewhere).await.unwrap_err();
    assert_eq!(reason(&status), "UNKNOWN_JOB");
    let paused = pausing(&owner).await.unwrap();
    assert_eq!(paused.status(), v1::JobStatus::Paused);
    assert_eq!(paused.changed_by, "ann");
}

/// What was tried in place of a command is as secret as the command.
#[tokio::test]
async fn edits_are_shown_as_far_as_the_rights_go() {
    let (server, _, letter) = with_a_letter().await;
    let edit = v1::DeadLetterServiceEditRequest {
        id: Some(letter.into()),
        commands: vec![convert::json_any(
            "Label",
            format!(r#"{{"label":"another {SECRET}"}}"#),
        )],
        expected: None,
        reason: "it was wrong".into(),
    };
    let method = "DeadLetterService/Edit";
    let elsewhere = server.principal("elsewhere", &[(Verb::LettersResolve, "meter")]);
    let answer = server.ask::<v1::DeadLetterServiceEditResponse>(&elsewhere, method, &edit);
    assert_eq!(reason(&answer.await.unwrap_err()), "UNKNOWN_DEAD_LETTER");

    let rights = [(Verb::LettersResolve, "till"), (Verb::LettersRead, "till")];
    let operator = server.principal("operator", &rights);
    let answer = server.ask::<v1::DeadLetterServiceEditResponse>(&operator, method, &edit);
    let (answer, bytes) = answer.await.unwrap();
    assert!(!shows_the_secret(&bytes));
    let Some(Letter::Command(command)) = answer.letter.unwrap().letter else {
        panic!("it is a command")
    };
    let attempt = command.attempts.last().unwrap();
    assert_eq!((attempt.actor.as_str(), attempt.closes), ("operator", true));
    assert!(attempt.tried.is_some());
    let list = v1::DeadLetterServiceListRequest::default();
    let listed =
        server.ask::<v1::DeadLetterServiceListResponse>(&operator, "DeadLetterService/List", &list);
    assert!(!shows_the_secret(&listed.await.unwrap().1));
    let sees = [(Verb::LettersRead, "till"), (Verb::LettersPayload, "till")];
    let sees = server.principal("sees", &sees);
    let listed =
        server.ask::<v1::DeadLetterServiceListResponse>(&sees, "DeadLetterService/List", &list);
    assert!(shows_the_secret(&listed.await.unwrap().1));
}

/// A fault is a text about what is in letters. Without a domain, those are left out that one may not see.
#[tokio::test]
async fn faults_are_counted_as_far_as_the_rights_go() {
    let (server, ..) = with_a_letter().await;
    let all = v1::DeadLetterServiceListFaultsRequest::default();
    let counted = async |name: &str, rights: &[(Verb, &str)]| {
        let shown = server.principal(name, rights);
        let method = "DeadLetterService/ListFaults";
        let answer = server.ask::<v1::DeadLetterServiceListFaultsResponse>(&shown, method, &all);
        answer.await.map(|(answer, _)| answer.groups.len())
    };
    let [read, payload] = [Verb::LettersRead, Verb::LettersPayload];
    let sees = counted("sees", &[(read, "till"), (payload, "till")]).await;
    assert_eq!(sees.unwrap(), 1);
    let elsewhere = counted("elsewhere", &[(read, "meter"), (payload, "meter")]).await;
    assert_eq!(elsewhere.unwrap(), 0);
    let halves = counted("halves", &[(read, "till"), (payload, "meter")]).await;
    assert_eq!(halves.unwrap(), 0);
    let refused = counted("reads", &[(read, "till")]).await.unwrap_err();
    assert_eq!(word(&refused, "verb"), "letters.payload");
}

/// The counts tell what became of commands, so they are for those who may see these.
#[tokio::test]
async fn only_letters_that_may_be_seen_are_simulated() {
    let (server, _, letter) = with_a_letter().await;
    let id = Some(letter.into());
    let simulate = v1::DeadLetterServiceSimulateRequest { id };
    let forecast = v1::DeadLetterServiceForecastRequest::default();
    let simulated = async |shown: &Shown| {
        let answer = server.ask::<v1::DeadLetterServiceSimulateResponse>(
            shown,
            "DeadLetterService/Simulate",
            &simulate,
        );
        answer.await.map(|(_, bytes)| shows_the_secret(&bytes))
    };
    let counted = async |shown: &Shown| {
        let answer = server.ask::<v1::DeadLetterServiceForecastResponse>(
            shown,
            "DeadLetterService/Forecast",
            &forecast,
        );
        answer.await.map(|(answer, _)| answer.forecast.unwrap())
    };
    let both = |domain| [(Verb::LettersRead, domain), (Verb::LettersPayload, domain)];
    let elsewhere = server.principal("elsewhere", &both("meter"));
    let status = simulated(&elsewhere).await.unwrap_err();
    assert_eq!(reason(&status), "UNKNOWN_DEAD_LETTER");
    assert_eq!(counted(&elsewhere).await.unwrap(), v1::Forecast::default());

    let mixed = [(Verb::LettersRead, "till"), (Verb::LettersPayload, "meter")];
    let mixed = server.principal("mixed", &mixed);
    let status = simulated(&mixed).await.unwrap_err();
    assert_eq!(word(&status, "verb"), "letters.payload");
    assert_eq!(counted(&mixed).await.unwrap(), v1::Forecast::default());

    let sees = server.principal("sees", &both("till"));
    assert!(simulated(&sees).await.unwrap());
    assert_eq!(counted(&sees).await.unwrap().committed, 1);
}

#[tokio::test]
async fn a_letter_is_decided_only_by_who_may_and_its_name_stays() {
    let (server, stream, letter) = with_a_letter().await;
    let id = Some(letter.into());
    let discard = v1::DeadLetterServiceDiscardRequest {
        id,
        reason: "not needed".into(),
    };
    let method = "DeadLetterService/Discard";
    let elsewhere = server.principal("elsewhere", &[(Verb::LettersResolve, "meter")]);
    let answer = server.ask::<v1::DeadLetterServiceDiscardResponse>(&elsewhere, method, &discard);
    assert_eq!(reason(&answer.await.unwrap_err()), "UNKNOWN_DEAD_LETTER");
    assert_eq!(server.rig.history(&stream).await.len(), 2);

    let operator = server.principal("operator", &[(Verb::LettersResolve, "till")]);
    let answer = server.ask::<v1::DeadLetterServiceDiscardResponse>(&operator, method, &discard);
    let (answer, bytes) = answer.await.unwrap();
    assert!(!shows_the_secret(&bytes));
    let Some(Letter::Command(command)) = answer.letter.unwrap().letter else {
        panic!("it is a command")
    };
    assert_eq!(command.attempts.last().unwrap().actor, "operator");
}

/// The events of other domains are left out, and the cursor goes on over them.
#[tokio::test]
async fn a_subscriber_gets_what_it_may_and_its_cursor_goes_on() {
    let (server, ..) = with_a_letter().await;
    let meters = server.principal("meters", &[(Verb::Subscribe, "meter")]);
    let mut client =
        v1::subscription_service_client::SubscriptionServiceClient::new(server.rig.channel.clone());
    let answer = client.subscribe(by(&meters, all_events())).await.unwrap();
    let mut answer = answer.into_inner();
    let begin = soon(answer.message()).await.unwrap().unwrap();
    let caught_up = async {
        loop {
            let response = answer.message().await.unwrap().unwrap();
            assert!(response.events.is_empty());
            if response.caught_up {
                return response;
            }
        }
    };
    let response = soon(caught_up).await;
    assert_ne!(response.cursor, begin.cursor);
}

#[tokio::test]
async fn lists_have_what_the_caller_may_read() {
    let (server, stream, _) = with_a_letter().await;
    let all = v1::ListStreamsRequest {
        page_size: 1,
        ..Default::default()
    };
    for (pattern, domains, streams) in [("meter", vec!["meter"], 0), ("till", vec!["till"], 1)] {
        let ann = server.principal("ann", &[(Verb::Read, pattern)]);
        let answer = server.ask::<v1::ListDomainsResponse>(
            &ann,
            "QueryService/ListDomains",
            &v1::ListDomainsRequest {},
        );
        let found = answer.await.unwrap().0.domains;
        let found: Vec<_> = found.iter().map(|domain| &domain.domain[..]).collect();
        assert_eq!(found, domains);
        let everything = v1::GetSchemaRequest::default();
        let answer =
            server.ask::<v1::GetSchemaResponse>(&ann, "QueryService/GetSchema", &everything);
        let found = answer.await.unwrap().0.domains;
        let found: Vec<_> = found.iter().map(|schema| &schema.domain[..]).collect();
        assert_eq!(found, domains);
        let answer = server.ask::<v1::ListStreamsResponse>(&ann, "QueryService/ListStreams", &all);
        assert_eq!(answer.await.unwrap().0.streams.len(), streams);
    }
    // What is not there is not told by a list of what is.
    let ann = server.principal("ann", &[(Verb::Read, "till"), (Verb::Read, "nothing")]);
    let message = v1::GetStateRequest {
        cover: Some(v1::Cover {
            domain: "nothing".into(),
            ..convert::cover(&stream)
        }),
        at: None,
    };
    let answer = server.ask::<v1::GetStateResponse>(&ann, "QueryService/GetState", &message);
    let status = answer.await.unwrap_err();
    assert_eq!(reason(&status), "UNKNOWN_DOMAIN");
    assert!(status.message().contains("till") && !status.message().contains("meter"));
}

/// A conflict shows the events in between only to who may read them.
#[tokio::test]
async fn a_conflict_shows_no_events_to_who_may_not_read_them() {
    let (server, stream, _) = with_a_letter().await;
    let label = ask(&stream, "Label", r#"{"label":"mine"}"#);
    let mut client = CommandServiceClient::new(server.rig.channel.clone());
    for (rights, has_secret) in [
        (&[(Verb::Submit, "till")][..], false),
        (&[(Verb::Submit, "till"), (Verb::Read, "till")], true),
    ] {
        let ann = server.principal("ann", rights);
        for strategy in [MergeStrategy::Strict, MergeStrategy::Commutative] {
            let request = by(&ann, stale(0, strategy, label.clone()));
            let status = client.submit(request).await.unwrap_err();
            assert_eq!(status.code(), Code::Aborted);
            let details = String::from_utf8_lossy(status.details()).into_owned();
            let all = format!("{} {details}", status.message());
            assert_eq!(all.contains(SECRET), has_secret, "{strategy:?}: {all}");
        }
    }
}

#[tokio::test]
async fn a_workflow_is_shown_as_far_as_the_rights_go() {
    let (server, _, _) = with_a_letter().await;
    let get = v1::GetWorkflowRequest {
        correlation_id: "checkout-7".into(),
        begin: None,
    };
    let shown = async |rights: &[(Verb, &str)]| {
        let caller = server.principal("somebody", rights);
        let answer =
            server.ask::<v1::GetWorkflowResponse>(&caller, "QueryService/GetWorkflow", &get);
        let (answer, bytes) = answer.await.unwrap();
        (
            answer.events.len(),
            answer.letters.len(),
            shows_the_secret(&bytes),
        )
    };
    let (read, letters) = ((Verb::Read, "till"), (Verb::LettersRead, "till"));
    assert_eq!(shown(&[(Verb::Read, "meter")]).await, (0, 0, false));
    assert_eq!(
        shown(&[(Verb::Read, "meter"), letters]).await,
        (0, 1, false)
    );
    assert_eq!(shown(&[read]).await, (2, 0, true));
    let payload = (Verb::LettersPayload, "till");
    assert_eq!(
        shown(&[(Verb::Read, "meter"), letters, payload]).await,
        (0, 1, true)
    );
    assert_eq!(shown(&[read, letters]).await, (2, 1, true));
}
