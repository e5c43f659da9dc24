//! Bulk jobs: started with the number shown, followed without scripts, and done when the tab is closed.

use seriatim::core::{JobRecord, JobStatus, NewJob};
use seriatim::prelude::*;
use seriatim::security::Verb;
use seriatim::{LetterFilter, LetterStatus};
use seriatim_testkit::until;

use crate::browser::{no_errors, page_without_scripts, shows};
use crate::server::{EVERYTHING, Server, letter_of};
use crate::tab::{Do, SLOW, Tab};

/// Parks notes on one stream.
async fn park(server: &Server, notes: impl IntoIterator<Item = String>) -> (Uuid, Vec<Uuid>) {
    let root = Uuid::now_v7();
    let tab = server.app.of::<Tab>(root);
    for note in ["mine", "theirs"] {
        let note = note.to_owned();
        tab.send(Do::Note { note }).await.unwrap();
    }
    let mut letters = Vec::new();
    for note in notes {
        let parked = tab.send(Do::Note { note }).expecting(0).merge(Manual);
        letters.push(letter_of(&parked.await.unwrap()));
    }
    (root, letters)
}

async fn only_job(server: &Server) -> JobRecord {
    let mut jobs = server.app.jobs().list(None, 10).await.unwrap();
    assert_eq!(jobs.len(), 1);
    jobs.remove(0)
}

async fn finished(server: &Server) -> JobRecord {
    until("the job is done", async || {
        only_job(server).await.status == JobStatus::Finished
    })
    .await;
    only_job(server).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_of_a_thousand_letters_goes_on_when_its_tab_is_closed() {
    let server = Server::open().await;
    let notes = (0..1000).map(|number| format!("{SLOW} {number}"));
    let (root, letters) = park(&server, notes).await;
    let page = page_without_scripts(&server, "/letters").await;
    page.click("#bulk").await.unwrap();
    shows(&page, "#count", "1000 letters wait.").await;
    page.type_text("#reason", "all is well").await.unwrap();
    page.click("#start").await.unwrap();
    // The page loads itself again.
    let middle = "document.querySelector('#status').innerText == 'running' && parseInt(document.querySelector('#tried').innerText) > 0";
    page.until(middle).await.unwrap();
    shows(&page, "#tried", "of 1000").await;
    no_errors(&page).await;
    // It takes its Chromium with it.
    drop(page);

    let job = finished(&server).await;
    assert_eq!((job.counts.done, job.counts.all()), (1000, 1000));
    let events = server.app.of::<Tab>(root).events(Sequence(0), 2000);
    assert_eq!(events.await.unwrap().len(), 1002);
    let last = server.letter(letters[999]).await;
    assert_eq!(last.status(), LetterStatus::Resolved);
    assert_eq!(last.attempts().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_is_stopped_resumed_and_its_results_are_seen_by_clicking_without_scripts() {
    let server = Server::open().await;
    let (root, letters) = park(&server, ["one", "", "two"].map(String::from)).await;
    let page = page_without_scripts(&server, "/letters?kind=command&domain=tab").await;
    page.click("#bulk").await.unwrap();
    shows(&page, "#count", "3 letters wait.").await;
    page.click("#stop").await.unwrap();
    page.click("#start").await.unwrap();
    shows(&page, "#status", "stopped").await;
    shows(&page, "#tried", "2 of 3").await;
    shows(&page, "#results .bad", "failed").await;
    page.click("#resume").await.unwrap();
    shows(&page, "#status", "finished").await;
    assert_eq!(server.events(root).await.len(), 4);
    page.click(&format!("a.letter[title='{}']", letters[0]))
        .await
        .unwrap();
    shows(&page, "#status", "resolved").await;
    page.click("a[href='/jobs']").await.unwrap();
    shows(&page, "#jobs", "3 of 3").await;
    no_errors(&page).await;
}

#[tokio::test]
async fn what_is_missing_in_the_form_is_said_and_nothing_is_started() {
    let server = Server::open().await;
    let (_, letters) = park(&server, ["one".into()]).await;
    let client = server.stranger();
    let through = letters[0].to_string();
    for (fields, status) in [
        (vec![("verb", "resubmit")], 422),
        (vec![("verb", "dance"), ("through", &through)], 422),
        (vec![("verb", "discard"), ("through", &through)], 422),
        (
            vec![
                ("verb", "resubmit"),
                ("through", &through),
                ("domain", "secret"),
            ],
            409,
        ),
        (
            vec![("verb", "resubmit"), ("through", &through), ("kind", "x")],
            422,
        ),
    ] {
        let answer = client.post("/jobs", &fields).await;
        assert_eq!(answer.status, status, "{fields:?}: {}", answer.body);
    }
    assert!(server.app.jobs().list(None, 1).await.unwrap().is_empty());
    let hostile = "<script>x</script>";
    let fields = [
        ("verb", "discard"),
        ("through", &through),
        ("reason", hostile),
    ];
    let answer = client.post("/jobs", &fields).await;
    assert_eq!(answer.status, 303);
    let to = answer.header("location").unwrap().to_owned();
    finished(&server).await;
    let shown = client.get(&to).await;
    assert!(shown.says("&#60;script&#62;"), "{}", shown.body);
    assert!(!shown.body.contains(hostile) && shown.header("refresh").is_none());
    assert_eq!(client.post(&format!("{to}/cancel"), &[]).await.status, 409);
    assert_eq!(client.get("/jobs/1").await.status, 404);
    assert_eq!(client.get(&format!("{to}?after=x")).await.status, 422);
}

#[tokio::test]
async fn a_job_takes_only_letters_that_its_visitor_may_decide_about() {
    let server = Server::asking().await;
    park(&server, ["one".into()]).await;
    let secret = server.parked_secret().await;
    let ann = server.visitor("ann", &EVERYTHING);
    let reader = server.visitor("reader", &[Verb::LettersRead]);
    let elsewhere = server.token("eve", &EVERYTHING, "secret");
    let eve = server.stranger().with_token(&elsewhere);
    assert!(!reader.get("/letters").await.says("id=\"bulk\""));
    assert_eq!(reader.get("/jobs/new").await.status, 403);
    let form = ann.get("/jobs/new").await;
    assert!(
        form.says("1 letter waits") && !form.says("secret"),
        "{}",
        form.body
    );
    let through = secret.to_string();
    let fields = [
        ("verb", "discard"),
        ("reason", "old"),
        ("through", through.as_str()),
    ];
    assert_eq!(reader.post("/jobs", &fields).await.status, 403);
    assert_eq!(ann.post("/jobs", &fields).await.status, 303);
    let job = finished(&server).await;
    assert_eq!(
        (job.counts.all(), job.started_by.as_deref()),
        (1, Some("ann"))
    );
    assert_eq!(server.letter(secret).await.status(), LetterStatus::Parked);
    let path = format!("/jobs/{}", job.id);
    assert_eq!(reader.get(&path).await.status, 200);
    assert_eq!(eve.get(&path).await.status, 404);
    assert!(!eve.get("/jobs").await.says(&path));
    // What is recorded of it, and who may stop it.
    let all = NewJob {
        verb: seriatim::core::Verb::Resubmit,
        filter: LetterFilter::default(),
        through: None,
        reason: None,
        stop_at_failure: false,
    };
    park(&server, ["two".into()]).await;
    let of_tabs = |domain: &Domain| domain.as_str() == "tab";
    let plan = server.app.jobs().plan(&all, of_tabs).await.unwrap();
    let running = server.app.jobs().start(&all, &plan, None).await.unwrap();
    let pause = format!("/jobs/{}/pause", running.id);
    assert_eq!(reader.post(&pause, &[]).await.status, 403);
    assert_eq!(eve.post(&pause, &[]).await.status, 404);
    let auditor = server.visitor("auditor", &[Verb::Admin]);
    let trail = auditor.get("/operations").await;
    assert!(trail.says("discard-job") && trail.says("<bdi>ann</bdi>"));
}
