//! Ids and texts that somebody might choose to harm the store, or whoever reads it.

use serde_json::json;

use crate::client::Client;
use crate::server::Server;

/// An id is a key in the store: every store takes the same ones.
async fn odd_ids_are_one_thing_on_every_store(url: &str) {
    let server = Server::at(url).await;
    let root = server.club(&["b\u{f6}b"]).await;
    let mut ann = Client::connect(&server, "ann").await;
    let long = "x".repeat(10_000);
    let mut last = 1;
    for (id, is_taken) in [
        ("a\u{0}b", true),
        ("\u{0}", false),
        ("\u{1b}[31m", true),
        (" ", true),
        ("'; DROP TABLE seriatim_events; --", true),
        ("\u{1f600}\u{202e}", true),
        (&long, false),
    ] {
        let answer = ann
            .ask(root, id, json!({"do": "post", "text": "hey"}))
            .await;
        match is_taken {
            true => {
                last += 1;
                assert_eq!(
                    (&answer["outcome"], &answer["first"]),
                    (&json!("committed"), &json!(last)),
                    "{id:?}"
                );
                let again = ann
                    .ask(root, id, json!({"do": "post", "text": "hey"}))
                    .await;
                assert_eq!(again["outcome"], "duplicate");
            }
            false => assert_eq!(answer["reason"], "invalid", "{id:.20?} {answer}"),
        }
    }
    // What is in a command is not a key: it comes back as it was.
    for text in [
        "\u{1b}[31m\u{7}",
        "\u{202e}\u{1f600}",
        "</script>\u{2028}",
        "a\u{0}b",
    ] {
        let answer = ann
            .ask(
                root,
                text.escape_unicode().to_string().as_str(),
                json!({"do": "post", "text": text}),
            )
            .await;
        assert_eq!(answer["outcome"], "committed", "{text:?} {answer}");
    }
    let transcript = ann.join(root).await;
    let texts = transcript.texts();
    assert_eq!(
        texts[texts.len() - 4..],
        [
            "\u{1b}[31m\u{7}",
            "\u{202e}\u{1f600}",
            "</script>\u{2028}",
            "a\u{0}b"
        ]
    );
}

crate::storage::on_every_storage! {
    odd_ids_are_one_thing_on_every_store
}
