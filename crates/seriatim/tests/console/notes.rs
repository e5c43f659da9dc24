//! Notes about letters, who looks after them, and their faults.

use seriatim::core::{ParkReason, Payload};
use seriatim::security::Verb;

use crate::server::{EVERYTHING, Server};

#[tokio::test]
async fn what_people_write_about_a_letter_is_shown_to_the_next() {
    let server = Server::open().await;
    let (_, letter) = server.parked().await;
    let client = server.stranger();
    let page = format!("/letters/{letter}");
    let hostile = "<script>alert(1)</script> \u{202e}moc";
    let written = client
        .post(&format!("{page}/annotate"), &[("note", hostile)])
        .await;
    assert_eq!(
        (written.status, written.header("location")),
        (303, Some(page.as_str()))
    );
    let shown = client.get(&page).await;
    assert!(shown.says("&#60;script&#62;alert(1)"), "{}", shown.body);
    assert!(!shown.body.contains(hostile) && !shown.body.contains('\u{202e}'));
    let empty = client
        .post(&format!("{page}/annotate"), &[("note", " ")])
        .await;
    assert_eq!(empty.status, 422);
    let long = "x".repeat(16 * 1024 + 1);
    let refused = client
        .post(&format!("{page}/annotate"), &[("note", &long)])
        .await;
    assert_eq!(refused.status, 422);
    assert!(refused.says(&long), "what was typed is kept");
    // It is offered on a closed letter, too.
    client
        .post(&format!("{page}/discard"), &[("reason", "old")])
        .await;
    assert!(client.get(&page).await.says("id=\"annotate\""));
}

#[tokio::test]
async fn two_operators_do_not_both_take_a_letter() {
    let server = Server::asking().await;
    let (_, letter) = server.parked().await;
    let (ann, bob) = (
        server.visitor("ann", &EVERYTHING),
        server.visitor("bob", &EVERYTHING),
    );
    let (page, assign) = (
        format!("/letters/{letter}"),
        format!("/letters/{letter}/assign"),
    );
    assert!(
        ann.get(&page)
            .await
            .says("<dd id=\"assignee-now\"><bdi>nobody</bdi>")
    );
    let taken = ann
        .post(&assign, &[("from", ""), ("assignee", "ann")])
        .await;
    assert_eq!(taken.status, 303);
    let late = bob
        .post(&assign, &[("from", ""), ("assignee", "bob")])
        .await;
    assert_eq!(late.status, 409);
    assert!(
        late.says("ann looks after the dead letter"),
        "{}",
        late.body
    );
    assert!(late.says("name=\"from\" value=\"ann\""));
    let list = bob.get("/letters?assignee=ann").await;
    assert!(list.says(&page) && list.says("<bdi>ann</bdi>"));
    assert!(!bob.get("/letters?assignee=-").await.says(&page));
    let given = bob
        .post(&assign, &[("from", "ann"), ("assignee", "")])
        .await;
    assert_eq!(given.status, 303);
    assert!(bob.get("/letters?assignee=-").await.says(&page));
    let auditor = server.visitor("auditor", &[Verb::Admin]);
    assert!(auditor.get("/operations").await.says("assign"));
}

#[tokio::test]
async fn those_who_may_only_look_are_offered_no_notes_and_refused() {
    let server = Server::asking().await;
    let (_, letter) = server.parked().await;
    let reader = server.visitor("reader", &[Verb::LettersRead, Verb::LettersPayload]);
    let page = format!("/letters/{letter}");
    let shown = reader.get(&page).await;
    assert!(!shown.says("id=\"annotate\"") && !shown.says("id=\"assign\""));
    for (form, field) in [("annotate", "note"), ("assign", "assignee")] {
        let refused = reader
            .post(&format!("{page}/{form}"), &[(field, "x")])
            .await;
        assert_eq!(refused.status, 403, "{form}");
    }
    let owner = server.visitor("owner", &EVERYTHING);
    assert!(
        !owner.get(&page).await.says("id=\"notes\""),
        "nothing was written"
    );
}

/// A fault is a text of a failure, and so only for those who may see the content of letters.
#[tokio::test]
async fn faults_lead_to_their_letters() {
    let server = Server::asking().await;
    let (_, first) = server.parked().await;
    let (_, second) = server.parked_note("other").await;
    let given_up = server.given_up().await;
    let operator = server.visitor("operator", &EVERYTHING);
    let list = operator.get("/letters").await;
    let faults = list
        .body
        .split("id=\"faults\"")
        .nth(1)
        .expect("they are shown");
    let faults = faults.split("</table>").next().unwrap();
    assert_eq!(faults.matches("<tr data-key").count(), 2, "{faults}");
    let link = faults.split("class=\"fault\" href=\"").nth(1).unwrap();
    let link = link.split('"').next().unwrap().replace("&amp;", "&");
    let chosen = operator.get(&link).await;
    assert!(chosen.says(&first.to_string()) && chosen.says(&second.to_string()));
    assert!(!chosen.says(&given_up.to_string()));
    assert!(!chosen.says("id=\"faults\""), "one is chosen");
    let reader = server.visitor("reader", &[Verb::LettersRead]);
    let list = reader.get("/letters").await;
    assert!(list.says(&first.to_string()) && !list.says("id=\"faults\""));
}

#[tokio::test]
async fn a_list_of_faults_that_is_cut_says_so() {
    let server = Server::open().await;
    for number in 0..20 {
        kept_for(&server, &"x".repeat(number + 1)).await;
    }
    let list = server.stranger().get("/letters").await;
    assert!(list.says("id=\"faults\"") && !list.says("more-faults"));
    kept_for(&server, "another").await;
    let list = server.stranger().get("/letters").await;
    assert!(list.says("These are the 20 with the most letters."));
}

async fn kept_for(server: &Server, reason: &str) {
    let command = Payload::json("Note", "{\"note\":\"\"}");
    let reason = ParkReason::Aggregate(reason.into());
    server.kept(command, reason).await;
}
