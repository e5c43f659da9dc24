//! Rules of dead letters: written with their claim, listed oldest first, by filter and page.

use seriatim_core::{
    Attempt, CommandLetter, Component, FirstResult, LetterFilter, LetterKind, LetterStatus,
    Payload, StreamId, Tried,
};
use uuid::Uuid;

use super::samples::*;

/// A letter and the claim it was parked under are there together.
pub async fn a_letter_is_written_with_its_claim(a: &Handle, b: &Handle) {
    let stream = new_stream();
    let written = letter(&stream);
    write(a, claimed(parked(&written), "k", 1)).await;
    assert_eq!(b.letter(written.id).await.unwrap(), Some(written.clone()));
    let record = b.find_claim(&stream, "k").await.unwrap().unwrap();
    assert_eq!(record.first, FirstResult::DeadLettered { id: written.id });
    assert_eq!(b.letter(Uuid::now_v7()).await.unwrap(), None);
    assert_eq!(b.streams(None, None, 10).await.unwrap(), []);
}

/// A letter looks at no sequence: it waits for a person wherever its stream is.
pub async fn a_letter_is_written_whatever_is_current(a: &Handle, b: &Handle) {
    for stream in [new_stream(), stream_of(a, 3).await] {
        let written = letter(&stream);
        write(b, parked(&written)).await;
        assert_eq!(a.letter(written.id).await.unwrap(), Some(written));
    }
}

/// A letter that was appended before stays as it is, with what was tried since.
pub async fn a_letter_appended_again_is_kept_once(a: &Handle, b: &Handle) {
    let first = letter(&new_stream());
    write(a, parked(&first)).await;
    let again = CommandLetter {
        base_hash: None,
        ..first.clone()
    };
    write(b, parked(&again)).await;
    assert_eq!(letters(a, LetterFilter::default(), 10).await, [first]);
}

/// Every field comes back as it was written, also a payload that is no text.
pub async fn letters_read_back_as_they_were_written(a: &Handle, b: &Handle) {
    for command in [
        Payload::protobuf("exam.v1.Rename", vec![0, 255, 7]),
        Payload::json("Rename", r#"{"name":"\"Zoë\" 🦀"}"#),
        Payload::json("NotEvenText", vec![0xff, b'{']),
    ] {
        let mut written = letter(&new_stream());
        written.request.commands = vec![command.clone(), command];
        write(a, parked(&written)).await;
        assert_eq!(b.letter(written.id).await.unwrap(), Some(written));
    }
}

/// Lists are in the order of the ids, which is that of parking, whatever order they were written in.
pub async fn letters_are_listed_oldest_first(a: &Handle, b: &Handle) {
    let mut written: Vec<_> = (0..5).map(|_| letter(&new_stream())).collect();
    written.sort_by_key(|letter| letter.id);
    for index in [3, 0, 4, 1, 2] {
        write(a, parked(&written[index])).await;
    }
    assert_eq!(letters(b, LetterFilter::default(), 10).await, written);
    assert_eq!(letters(b, LetterFilter::default(), 2).await, written[..2]);
    assert_eq!(letters(b, LetterFilter::default(), 0).await, []);
}

/// Every filter, alone and with the others, lets the same letters through as [`LetterFilter::matches`].
pub async fn letters_are_filtered(a: &Handle, b: &Handle) {
    let root = Uuid::now_v7();
    let streams = [
        StreamId::new(domain("one"), root),
        StreamId::new(domain("two"), root),
        StreamId::new(domain("one"), Uuid::now_v7()),
    ];
    let mut written = Vec::new();
    for stream in &streams {
        for status in [
            LetterStatus::Parked,
            LetterStatus::Resolved,
            LetterStatus::Discarded,
            LetterStatus::Parked,
        ] {
            let parked_letter = CommandLetter {
                status,
                ..letter(stream)
            };
            write(a, parked(&parked_letter)).await;
            written.push(parked_letter);
        }
    }
    written.sort_by_key(|letter| letter.id);
    for filter in all_filters(&streams, written[5].id) {
        let matching: Vec<_> = written
            .iter()
            .filter(|letter| filter.matches_command(letter))
            .cloned()
            .collect();
        let matching = in_order(&filter, matching);
        assert_eq!(
            letters(b, filter.clone(), 100).await,
            matching,
            "{filter:?}"
        );
        let first: Vec<_> = matching.into_iter().take(1).collect();
        assert_eq!(letters(b, filter.clone(), 1).await, first, "{filter:?}");
    }
    let commands = LetterFilter {
        kind: Some(LetterKind::Command),
        ..LetterFilter::default()
    };
    assert_eq!(letters(b, commands, 100).await, written);
    let reactions = LetterFilter {
        kind: Some(LetterKind::Reaction),
        ..LetterFilter::default()
    };
    assert_eq!(letters(b, reactions, 100).await, []);
    let of_component = LetterFilter {
        component: Some(Component::new("printer").expect("it is a name")),
        ..LetterFilter::default()
    };
    assert_eq!(letters(b, of_component, 100).await, []);
}

/// Returns the filters for letters of this kind whose page costs what it holds, in both orders, at the beginning and
/// later. A store with indexes checks that it uses one for each.
pub fn filters_by_index(kind: LetterKind) -> Vec<LetterFilter> {
    let all = LetterFilter {
        kind: Some(kind),
        ..LetterFilter::default()
    };
    let of_domain = LetterFilter {
        domain: Some(domain("one")),
        ..all.clone()
    };
    let of_stream = LetterFilter {
        stream: Some(StreamId::new(domain("one"), Uuid::nil())),
        ..all.clone()
    };
    let with_status = |filter: &LetterFilter, status| LetterFilter {
        status: Some(status),
        ..filter.clone()
    };
    let mut filters = vec![
        with_status(&all, LetterStatus::Parked),
        with_status(&all, LetterStatus::Resolved),
        all,
        of_domain,
        of_stream,
    ];
    if kind == LetterKind::Reaction {
        let of_component = filters[1..4].iter().map(|filter| LetterFilter {
            component: Some(Component::new("printer").expect("it is a name")),
            ..filter.clone()
        });
        filters.extend(of_component.collect::<Vec<_>>());
        let parked = filters[2..].iter().filter(|filter| filter.status.is_none());
        let parked = parked.map(|filter| with_status(filter, LetterStatus::Parked));
        filters.extend(parked.collect::<Vec<_>>());
    }
    filters.push(LetterFilter {
        fault: Some("no paper".into()),
        domain: Some(domain("one")),
        status: Some(LetterStatus::Parked),
        component: (kind == LetterKind::Reaction)
            .then(|| Component::new("printer").expect("it is a name")),
        kind: Some(kind),
        ..LetterFilter::default()
    });
    let later = filters.clone().into_iter().map(|filter| LetterFilter {
        latest_first: true,
        after: Some(Uuid::max()),
        ..filter
    });
    filters.iter().cloned().chain(later).collect()
}

fn all_filters(streams: &[StreamId], middle: Uuid) -> Vec<LetterFilter> {
    let domains = [None, Some(domain("one")), Some(domain("none"))];
    let streams = [None, Some(&streams[1]), Some(&streams[2])];
    let statuses = [
        None,
        Some(LetterStatus::Parked),
        Some(LetterStatus::Resolved),
        Some(LetterStatus::Discarded),
    ];
    let mut filters = Vec::new();
    for domain in &domains {
        for stream in streams {
            for status in statuses {
                for after in [None, Some(middle), Some(Uuid::max())] {
                    for latest_first in [false, true] {
                        filters.push(LetterFilter {
                            domain: domain.clone(),
                            stream: stream.cloned(),
                            status,
                            after,
                            latest_first,
                            ..LetterFilter::default()
                        });
                    }
                }
            }
        }
    }
    filters
}

fn in_order(filter: &LetterFilter, mut letters: Vec<CommandLetter>) -> Vec<CommandLetter> {
    if filter.latest_first {
        letters.reverse();
    }
    letters
}

/// Each attempt is noted on top of the one before: of two people who try one letter at the same time, one is first.
pub async fn a_letter_is_revised_by_one_of_two(a: &Handle, b: &Handle) {
    let first = letter(&new_stream());
    write(a, parked(&first)).await;
    let failed = tried(&first, LetterStatus::Parked, "no seat is left");
    assert!(a.revise(&failed).await.unwrap());
    let late = tried(&first, LetterStatus::Discarded, "nobody wants it");
    assert!(!b.revise(&late).await.unwrap());
    assert_eq!(b.letter(first.id).await.unwrap(), Some(failed.clone()));

    let resolved = tried(&failed, LetterStatus::Resolved, "2 events");
    assert!(b.revise(&resolved).await.unwrap());
    assert_eq!(a.letter(first.id).await.unwrap(), Some(resolved.clone()));
    let still_parked = LetterFilter {
        status: Some(LetterStatus::Parked),
        ..LetterFilter::default()
    };
    assert_eq!(letters(a, still_parked, 10).await, []);
    assert!(!a.revise(&letter(&new_stream())).await.unwrap());
    let unknown = tried(&letter(&new_stream()), LetterStatus::Resolved, "1 event");
    assert!(!a.revise(&unknown).await.unwrap());
}

fn tried(before: &CommandLetter, status: LetterStatus, result: &str) -> CommandLetter {
    let mut after = before.clone();
    after.attempts.push(Attempt {
        at: before.parked_at,
        actor: Some("Zoë".into()),
        reason: None,
        result: result.into(),
        tried: Some(Tried::Edit {
            commands: before.request.commands.clone(),
        }),
        closes: status != LetterStatus::Parked,
    });
    after.status = status;
    after
}

async fn letters(store: &Handle, filter: LetterFilter, limit: usize) -> Vec<CommandLetter> {
    let letters = store.letters(&filter, limit).await;
    letters.expect("the store answers")
}
