//! What a job takes, in which order, and how it is stopped.

use std::collections::BTreeSet;
use std::time::Duration;

use seriatim::core::{JobOutcome, JobStatus, NewJob, OperatorError, StreamId, Verb};
use seriatim::prelude::*;

use seriatim_testkit::until;

use crate::picky::{Picky, at_once};
use crate::shelf::*;
use crate::storage::on_every_storage;

on_every_storage! {
    letters_are_tried_in_the_order_of_their_streams
    a_letter_that_came_later_is_not_taken
    a_job_stops_at_the_first_failure_and_goes_on
    a_job_is_paused_resumed_and_cancelled
    of_two_processes_one_works
    a_discard_needs_a_reason_and_closes_all
    what_others_have_decided_is_passed_over
    only_letters_of_the_plan_are_taken
    letters_of_events_are_handed_to_their_components
}

async fn letters_are_tried_in_the_order_of_their_streams(url: &str) {
    let app = open(url).await.reaction_settings(settings());
    let app = app.start().await.unwrap();
    let shelves = [shelf(&app).await, shelf(&app).await];
    let mut letters = Vec::new();
    for number in 1..=20 {
        for root in shelves {
            letters.push(park(&app, root, number).await);
        }
    }
    let job = start(&app, &resubmit_all()).await;
    assert_eq!((job.plan.letters, job.plan.through), (40, letters[39]));
    assert_eq!(job.started_by.as_deref(), Some("ann"));
    let job = reaches(&app, job.id, JobStatus::Finished).await;
    assert_eq!((job.counts.done, job.counts.failed), (38, 2));
    let expected: Vec<_> = (1..=20).filter(|number| *number != UNLUCKY).collect();
    for root in shelves {
        assert_eq!(numbers(&app, root).await, expected);
    }
    let results = results(&app, job.id).await;
    let tried: Vec<_> = results.iter().map(|result| result.letter).collect();
    assert_eq!(tried, letters);
    let failed = results
        .iter()
        .find(|result| result.outcome == JobOutcome::Failed);
    assert!(failed.unwrap().text.contains("unlucky"), "{failed:?}");
    assert_eq!(waiting(&app).await, (2, 2));
    let letter = app.desk().find(letters[0]).await.unwrap();
    let attempt = &letter.attempts()[0];
    assert_eq!(attempt.actor.as_deref(), Some("ann"));
    let reason = format!("the shelf is free (job {})", job.id);
    assert_eq!(attempt.reason.as_ref(), Some(&reason));
    assert_eq!(app.jobs().list(None, 10).await.unwrap(), [job]);
    assert!(app.audit().await.unwrap().is_sound());
    app.shutdown().await.unwrap();
}

async fn a_letter_that_came_later_is_not_taken(url: &str) {
    let idle = open(url).await.works_for_jobs(false).start().await.unwrap();
    let root = shelf(&idle).await;
    park(&idle, root, 1).await;
    let seen = idle.jobs().plan(&resubmit_all(), |_| true).await.unwrap();
    let second = park(&idle, root, 2).await;
    let new = NewJob {
        through: Some(seen.through),
        ..resubmit_all()
    };
    let job = start(&idle, &new).await;
    // No job is about letters that do not exist yet.
    let beyond = NewJob {
        through: Some(Uuid::max()),
        ..resubmit_all()
    };
    let plan = idle.jobs().plan(&beyond, |_| true).await.unwrap();
    assert_eq!((plan.letters, plan.through), (2, second));
    let app = open(url).await.reaction_settings(settings());
    let app = app.start().await.unwrap();
    let job = reaches(&app, job.id, JobStatus::Finished).await;
    assert_eq!(job.counts.all(), 1);
    assert_eq!(numbers(&app, root).await, [1]);
    assert_eq!(waiting(&app).await, (1, 0));
    idle.shutdown().await.unwrap();
    app.shutdown().await.unwrap();
}

async fn a_job_stops_at_the_first_failure_and_goes_on(url: &str) {
    let app = open(url).await.reaction_settings(settings());
    let app = app.start().await.unwrap();
    let root = shelf(&app).await;
    for number in [1, UNLUCKY, 2, 100 + UNLUCKY, 3] {
        park(&app, root, number).await;
    }
    let new = NewJob {
        stop_at_failure: true,
        ..resubmit_all()
    };
    let id = start(&app, &new).await.id;
    let job = reaches(&app, id, JobStatus::Stopped).await;
    assert_eq!((job.counts.done, job.counts.failed), (1, 1));
    assert_eq!(numbers(&app, root).await, [1]);
    let resumed = app.jobs().resume(id, Some("zoe".into())).await.unwrap();
    assert_eq!(resumed.changed_by.as_deref(), Some("zoe"));
    let job = reaches(&app, id, JobStatus::Stopped).await;
    assert_eq!((job.counts.done, job.counts.failed), (2, 2));
    app.jobs().resume(id, None).await.unwrap();
    let job = reaches(&app, id, JobStatus::Finished).await;
    assert_eq!((job.counts.done, job.counts.failed), (3, 2));
    assert_eq!(numbers(&app, root).await, [1, 2, 3]);
    assert_eq!(waiting(&app).await, (2, 2));
    app.shutdown().await.unwrap();
}

async fn a_job_is_paused_resumed_and_cancelled(url: &str) {
    let idle = open(url).await.works_for_jobs(false).start().await.unwrap();
    let root = shelf(&idle).await;
    park(&idle, root, 1).await;
    let jobs = idle.jobs();
    let (held, dropped) = (
        start(&idle, &resubmit_all()).await.id,
        start(&idle, &resubmit_all()).await.id,
    );
    let who = || Some("zoe".to_owned());
    jobs.pause(held, who()).await.unwrap();
    assert_eq!(jobs.pause(held, None).await.unwrap().changed_by, who());
    assert_eq!(
        jobs.cancel(dropped, who()).await.unwrap().status,
        JobStatus::Cancelled
    );
    let app = open(url).await.reaction_settings(settings());
    let app = app.start().await.unwrap();
    // A job that is started later is done, and the others wait.
    let other = shelf(&app).await;
    park(&app, other, 7).await;
    let mut new = resubmit_all();
    new.filter.stream = Some(StreamId::new(Domain::of::<Shelf>(), other));
    let later = start(&app, &new).await.id;
    reaches(&app, later, JobStatus::Finished).await;
    assert_eq!(numbers(&app, root).await, [0; 0]);
    jobs.resume(held, None).await.unwrap();
    reaches(&app, held, JobStatus::Finished).await;
    assert_eq!(numbers(&app, root).await, [1]);
    for over in [
        jobs.resume(dropped, None).await,
        jobs.pause(held, None).await,
        jobs.cancel(held, None).await,
    ] {
        let over = over.unwrap_err().to_string();
        assert!(over.contains("already; start another"), "{over}");
    }
    let nobody = jobs.pause(Uuid::now_v7(), None).await.unwrap_err();
    assert!(nobody.to_string().contains("no job"), "{nobody}");
    idle.shutdown().await.unwrap();
    app.shutdown().await.unwrap();
}

async fn of_two_processes_one_works(url: &str) {
    let mut apps = Vec::new();
    for _ in 0..3 {
        let app = open(url).await.reaction_settings(settings());
        apps.push(app.start().await.unwrap());
    }
    let roots = [shelf(&apps[0]).await, shelf(&apps[0]).await];
    for number in 1..=40 {
        park(&apps[0], roots[(number % 2) as usize], number).await;
    }
    let id = start(&apps[0], &resubmit_all()).await.id;
    // One of them leaves, whichever works.
    tokio::time::sleep(Duration::from_millis(20)).await;
    apps.pop().unwrap().shutdown().await.unwrap();
    let job = reaches(&apps[0], id, JobStatus::Finished).await;
    assert_eq!((job.counts.done, job.counts.failed), (39, 1));
    assert_eq!(job.counts.all(), 40);
    let of = |odd: u32| (1..=40).filter(move |n| n % 2 == odd && *n != UNLUCKY);
    assert_eq!(numbers(&apps[0], roots[1]).await, Vec::from_iter(of(1)));
    assert_eq!(numbers(&apps[0], roots[0]).await, Vec::from_iter(of(0)));
    assert_eq!(waiting(&apps[0]).await, (1, 1));
    for app in apps {
        app.shutdown().await.unwrap();
    }
}

async fn a_discard_needs_a_reason_and_closes_all(url: &str) {
    let app = open(url).await.reaction_settings(settings());
    let app = app.start().await.unwrap();
    let root = shelf(&app).await;
    park(&app, root, 1).await;
    park(&app, root, UNLUCKY).await;
    let without = NewJob {
        verb: Verb::Discard,
        reason: Some("  ".into()),
        ..resubmit_all()
    };
    let plan = app.jobs().plan(&without, |_| true).await.unwrap();
    let refused = app.jobs().start(&without, &plan, None).await.unwrap_err();
    let expected = OperatorError::NoReason.to_string();
    assert_eq!(refused.to_string(), expected);
    let new = NewJob {
        reason: Some("old".into()),
        ..without
    };
    let id = start(&app, &new).await.id;
    let job = reaches(&app, id, JobStatus::Finished).await;
    assert_eq!((job.counts.done, job.counts.failed), (2, 0));
    assert_eq!(waiting(&app).await, (0, 0));
    assert_eq!(numbers(&app, root).await, [0; 0]);
    app.shutdown().await.unwrap();
}

async fn what_others_have_decided_is_passed_over(url: &str) {
    let idle = open(url).await.works_for_jobs(false).start().await.unwrap();
    let root = shelf(&idle).await;
    let (mine, theirs) = (park(&idle, root, 1).await, park(&idle, root, 2).await);
    let job = start(&idle, &resubmit_all()).await;
    let decision = seriatim::core::Decision {
        letter: theirs,
        action: Verb::Resubmit.into(),
        actor: Some("zoe".into()),
        reason: None,
    };
    idle.desk().decide(&decision).await.unwrap();
    let app = open(url).await.reaction_settings(settings());
    let app = app.start().await.unwrap();
    reaches(&app, job.id, JobStatus::Finished).await;
    let results = results(&app, job.id).await;
    let outcomes: Vec<_> = (results.iter())
        .map(|result| (result.letter, result.outcome))
        .collect();
    assert_eq!(outcomes, [(mine, JobOutcome::Done)]);
    assert_eq!(numbers(&app, root).await, [2, 1]);
    idle.shutdown().await.unwrap();
    app.shutdown().await.unwrap();
}

async fn only_letters_of_the_plan_are_taken(url: &str) {
    let app = open(url).await.reaction_settings(settings());
    let app = app.start().await.unwrap();
    let root = shelf(&app).await;
    park(&app, root, 1).await;
    let new = resubmit_all();
    let nothing = app.jobs().plan(&new, |_| false).await.unwrap();
    assert_eq!((nothing.letters, nothing.parts.len()), (0, 0));
    let id = app.jobs().start(&new, &nothing, None).await.unwrap().id;
    let job = reaches(&app, id, JobStatus::Finished).await;
    assert_eq!(job.counts.all(), 0);
    assert_eq!(waiting(&app).await, (1, 0));
    app.shutdown().await.unwrap();
}

async fn letters_of_events_are_handed_to_their_components(url: &str) {
    let picky = Picky::default();
    let app = || async {
        let app = open(url).await.reaction_settings(settings());
        let app = app.projector("picky", EventFilter::default(), picky.clone());
        app.failure_policy("picky", at_once())
            .start()
            .await
            .unwrap()
    };
    let working = app().await;
    // A process without the component has no letters of it, and leaves the job to others.
    let other = open(url).await.reaction_settings(settings());
    let other = other.start().await.unwrap();
    let roots = [shelf(&working).await, shelf(&working).await];
    until("both are given up", async || waiting(&working).await.0 == 2).await;
    assert_eq!(waiting(&other).await.0, 0);
    let id = start(&working, &resubmit_all()).await.id;
    let job = reaches(&other, id, JobStatus::Finished).await;
    assert_eq!((job.counts.handed, job.counts.all()), (2, 2));
    // They fail again, once each, and the job is done all the same.
    until("both were tried", async || {
        waiting(&working).await == (2, 2)
    })
    .await;
    picky.is_content();
    let id = start(&working, &resubmit_all()).await.id;
    reaches(&other, id, JobStatus::Finished).await;
    until("none is left", async || waiting(&working).await.0 == 0).await;
    assert_eq!(picky.handled(), BTreeSet::from(roots));
    other.shutdown().await.unwrap();
    working.shutdown().await.unwrap();
}
