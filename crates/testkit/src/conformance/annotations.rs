//! Rules of what people write about letters, and of the faults by which letters are grouped.

use std::collections::HashSet;

use seriatim_core::{
    Annotated, Annotation, Assignee, Attempt, CommandLetter, FaultGroup, Hold, LetterFilter,
    LetterStatus, ParkReason, ReactionLetter, StreamId, Timestamp, Update,
};
use uuid::Uuid;

use super::CheckpointHandle;
use super::checkpoints::{HOUR, take, work, write as write_update};
use super::parking::{advance, park, parked as parked_event};
use super::samples::*;

fn annotation(what: Annotated) -> Annotation {
    Annotation {
        at: Timestamp::from_micros(1_700_000_000_123_456),
        actor: Some("Zoë".into()),
        what,
    }
}

fn note(text: &str) -> Annotation {
    annotation(Annotated::Note(text.into()))
}

fn assigned(to: &str) -> Annotation {
    annotation(Annotated::Assigned(to.into()))
}

fn of(assignee: Assignee) -> LetterFilter {
    LetterFilter {
        assignee: Some(assignee),
        ..LetterFilter::default()
    }
}

/// Of two people who write at the same place one is second, and nothing of the first is lost.
pub async fn annotations_are_added_one_after_another(a: &Handle, b: &Handle) {
    let (one, other) = (Uuid::now_v7(), Uuid::now_v7());
    assert_eq!(a.annotations(one).await.unwrap(), []);
    let nobody = Annotation {
        actor: None,
        ..note("it's \"odd\" 🦀\n'")
    };
    assert!(a.annotate(one, 0, &nobody).await.unwrap());
    assert!(!b.annotate(one, 0, &note("late")).await.unwrap());
    assert!(!b.annotate(one, 2, &note("too far")).await.unwrap());
    assert!(b.annotate(one, 1, &assigned("ann")).await.unwrap());
    assert!(
        a.annotate(other, 0, &note("of another letter"))
            .await
            .unwrap()
    );
    let expected = [nobody, assigned("ann")];
    assert_eq!(a.annotations(one).await.unwrap(), expected);
    assert_eq!(b.annotations(one).await.unwrap(), expected);
    assert_eq!(b.annotations(other).await.unwrap().len(), 1);
}

/// Writers that go on until they have written have all written in the end, each once.
pub async fn of_simultaneous_annotations_none_is_lost(a: &Handle, b: &Handle) {
    const WRITERS: usize = 8;
    let letter = Uuid::now_v7();
    let mut writers = Vec::new();
    for writer in 0..WRITERS {
        let store = [a, b][writer % 2].clone();
        writers.push(tokio::spawn(async move {
            // Each that fails was behind one that did not.
            for _ in 0..WRITERS {
                let before = store.annotations(letter).await.unwrap().len();
                let mine = note(&writer.to_string());
                if store.annotate(letter, before, &mine).await.unwrap() {
                    return;
                }
            }
            panic!("writer {writer} was never first");
        }));
    }
    for writer in writers {
        writer.await.expect("it has written");
    }
    let kept = a.annotations(letter).await.unwrap();
    let texts: HashSet<_> = kept.iter().map(|kept| format!("{:?}", kept.what)).collect();
    assert_eq!((kept.len(), texts.len()), (WRITERS, WRITERS));
}

/// The last assignment counts; notes change nothing about it.
pub async fn letters_are_listed_by_who_looks_after_them(a: &Handle, b: &Handle) {
    let mut letters: Vec<_> = (0..4).map(|_| letter(&new_stream())).collect();
    letters.sort_by_key(|letter| letter.id);
    for letter in &letters {
        write(a, parked(letter)).await;
    }
    let [ann, bob, left, nobody] = [0, 1, 2, 3].map(|at| letters[at].clone());
    let unassigned = annotation(Annotated::Unassigned);
    for (letter, written) in [
        (&ann, vec![assigned("bob"), assigned("ann"), note("soon")]),
        (&bob, vec![assigned("bob")]),
        (&left, vec![assigned("bob"), unassigned]),
        (&nobody, vec![note("who?")]),
    ] {
        for (at, annotation) in written.iter().enumerate() {
            assert!(a.annotate(letter.id, at, annotation).await.unwrap());
        }
    }
    let all: Vec<_> = letters.iter().map(|letter| letter.id).collect();
    let mut found = b.assignees(&all).await.unwrap();
    found.sort();
    assert_eq!(
        found,
        [(ann.id, "ann".to_owned()), (bob.id, "bob".to_owned())]
    );
    assert_eq!(b.assignees(&[]).await.unwrap(), []);

    let list = async |filter: LetterFilter| b.letters(&filter, 9).await.unwrap();
    let person = |name: &str| of(Assignee::Person(name.into()));
    assert_eq!(list(person("ann")).await, std::slice::from_ref(&ann));
    assert_eq!(list(person("bob")).await, std::slice::from_ref(&bob));
    assert_eq!(list(person("eve")).await, []);
    assert_eq!(
        list(of(Assignee::Nobody)).await,
        [left.clone(), nobody.clone()]
    );
    let of_bob = LetterFilter {
        domain: Some(bob.stream().domain.clone()),
        status: Some(LetterStatus::Parked),
        latest_first: true,
        after: Some(Uuid::max()),
        ..person("bob")
    };
    assert_eq!(list(of_bob.clone()).await, std::slice::from_ref(&bob));
    let earlier = LetterFilter {
        after: Some(bob.id),
        ..of_bob
    };
    assert_eq!(list(earlier).await, []);
}

fn because(stream: &StreamId, reason: &str) -> CommandLetter {
    CommandLetter {
        reason: ParkReason::Aggregate(reason.into()),
        ..letter(stream)
    }
}

fn with_attempt(letter: &CommandLetter, status: LetterStatus, result: &str) -> CommandLetter {
    let mut letter = letter.clone();
    letter.attempts.push(Attempt {
        at: letter.parked_at,
        actor: None,
        reason: None,
        result: result.into(),
        tried: None,
        closes: status != LetterStatus::Parked,
    });
    letter.status = status;
    letter
}

/// Letters that wait are counted by what they have in common; the last attempt says what that is.
pub async fn waiting_commands_are_counted_by_their_faults(a: &Handle, b: &Handle) {
    let (one, two) = (StreamId::new(domain("one"), Uuid::nil()), new_stream());
    let mut letters = vec![
        because(&one, "seat 1 is taken"),
        because(&one, "seat 22 is taken"),
        because(&one, "nobody answers"),
        because(&two, "seat 3 is taken"),
        because(&one, "seat 4 is taken"),
    ];
    letters.sort_by_key(|letter| letter.id);
    for letter in &letters {
        write(a, parked(letter)).await;
    }
    let groups = async |filter: &LetterFilter, limit| b.fault_groups(filter, limit).await.unwrap();
    let seats = letters[0].fault();
    let taken = |domain: &StreamId, count, first: usize, last: usize| FaultGroup {
        component: None,
        domain: domain.domain.clone(),
        fault: seats.clone(),
        count,
        first: letters[first].id,
        last: letters[last].id,
    };
    let silent = FaultGroup {
        fault: letters[2].fault(),
        count: 1,
        first: letters[2].id,
        last: letters[2].id,
        ..taken(&one, 1, 2, 2)
    };
    let all = LetterFilter::default();
    let expected = [taken(&one, 3, 0, 4), silent, taken(&two, 1, 3, 3)];
    assert_eq!(groups(&all, 9).await, expected);
    assert_eq!(groups(&all, 1).await, expected[..1]);
    assert_eq!(groups(&all, 0).await, []);
    // Its status and its place are not for groups.
    let of_two = LetterFilter {
        domain: Some(two.domain.clone()),
        status: Some(LetterStatus::Resolved),
        after: Some(Uuid::max()),
        ..all.clone()
    };
    assert_eq!(groups(&of_two, 9).await, expected[2..]);
    let of_components = LetterFilter {
        component: Some(work("printer").component),
        ..all.clone()
    };
    assert_eq!(groups(&of_components, 9).await, []);
    let of_fault = LetterFilter {
        fault: Some(seats.clone()),
        domain: Some(one.domain.clone()),
        status: Some(LetterStatus::Parked),
        ..all.clone()
    };
    let found = b.letters(&of_fault, 9).await.unwrap();
    assert_eq!(found, [0, 1, 4].map(|at| letters[at].clone()));
    assert_eq!(groups(&of_fault, 9).await, expected[..1]);
    assert!(
        a.annotate(letters[1].id, 0, &assigned("ann"))
            .await
            .unwrap()
    );
    let anns = LetterFilter {
        assignee: Some(Assignee::named("ann")),
        ..all.clone()
    };
    assert_eq!(groups(&anns, 9).await, [taken(&one, 1, 1, 1)]);

    let failed = with_attempt(&letters[0], LetterStatus::Parked, "rejected: too late");
    assert!(a.revise(&failed).await.unwrap());
    let closed = with_attempt(&letters[1], LetterStatus::Discarded, "discarded");
    assert!(a.revise(&closed).await.unwrap());
    let mut found = groups(&all, 9).await;
    found.retain(|group| group.domain == one.domain);
    let counts: Vec<_> = found
        .iter()
        .map(|group| (group.fault.as_str(), group.count))
        .collect();
    let late = failed.fault();
    assert_eq!(counts.len(), 3, "{counts:?}");
    for expected in [(late.as_str(), 1), (&seats, 1), (&letters[2].fault(), 1)] {
        assert!(counts.contains(&expected), "{counts:?}");
    }
}

/// As for commands, for each component by itself; all goes with the progress of the component.
pub async fn letters_about_events_are_annotated_and_counted(
    a: &CheckpointHandle,
    b: &CheckpointHandle,
) {
    let work = work("printer");
    let mut tenure = take(a, &work, "one", HOUR).await;
    let failing = |root, failure: &str| ReactionLetter {
        failure: failure.into(),
        ..parked_event(&work, root, 4)
    };
    let letters = [
        failing(1, "no paper in tray 1"),
        failing(2, "no paper in tray 2"),
        failing(3, "out of ink"),
        ReactionLetter {
            id: None,
            ..failing(4, "no paper in tray 4")
        },
    ];
    for (at, letter) in (9..).zip(&letters) {
        assert_eq!(park(a, &mut tenure, letter, at).await, Hold::Held);
    }
    let id = |at: usize| letters[at].id.expect("it is given up");
    assert!(b.annotate(id(0), 0, &assigned("ann")).await.unwrap());
    let list = async |filter: LetterFilter| {
        let found = a.reaction_letters(&filter, 9).await.unwrap();
        found
            .into_iter()
            .map(|letter| letter.id.unwrap())
            .collect::<Vec<_>>()
    };
    assert_eq!(list(of(Assignee::named("ann"))).await, [id(0)]);
    let mut others = [id(1), id(2)];
    others.sort();
    assert_eq!(list(of(Assignee::Nobody)).await, others);

    let counts = async |filter: &LetterFilter| {
        let groups = b.reaction_fault_groups(filter, 9).await.unwrap();
        for group in &groups {
            assert_eq!(group.component.as_ref(), Some(&work.component));
            assert!(group.first <= group.last);
        }
        let counts = groups.into_iter().map(|group| (group.fault, group.count));
        counts.collect::<Vec<_>>()
    };
    let all = LetterFilter::default();
    let (paper, ink) = (letters[0].fault(), letters[2].fault());
    assert_eq!(counts(&all).await, [(paper.clone(), 2), (ink.clone(), 1)]);
    let of_paper = LetterFilter {
        fault: Some(paper.clone()),
        component: Some(work.component.clone()),
        ..all.clone()
    };
    let mut papers = [id(0), id(1)];
    papers.sort();
    assert_eq!(list(of_paper.clone()).await, papers);
    for status in [None, Some(LetterStatus::Parked)] {
        for domain in [None, Some(letters[0].stream.domain.clone())] {
            for assignee in [None, Some(Assignee::Nobody), Some(Assignee::named("ann"))] {
                let filter = LetterFilter {
                    status,
                    domain: domain.clone(),
                    assignee: assignee.clone(),
                    ..of_paper.clone()
                };
                let expected: Vec<_> = match &assignee {
                    None => papers.to_vec(),
                    Some(Assignee::Nobody) => vec![id(1)],
                    Some(Assignee::Person(_)) => vec![id(0)],
                };
                assert_eq!(list(filter).await, expected, "{status:?}, {domain:?}");
            }
        }
    }
    assert_eq!(counts(&of_paper).await, [(paper.clone(), 2)]);

    let again = ReactionLetter {
        tries: letters[1].tries + 1,
        failure: "out of ink".into(),
        ..letters[1].clone()
    };
    let again = Update::ParkAgain(Box::new(again));
    assert_eq!(write_update(a, &tenure, &again).await, Hold::Held);
    assert_eq!(counts(&of_paper).await, [(paper, 1)]);
    assert_eq!(
        counts(&all)
            .await
            .iter()
            .map(|(_, count)| count)
            .sum::<u64>(),
        3
    );
    assert_eq!(advance(a, &tenure, 3, 4, None).await, Hold::Held);
    assert!(counts(&all).await.contains(&(ink, 1)));

    // What is closed can still be annotated.
    assert!(
        a.annotate(id(2), 0, &note("it was the driver"))
            .await
            .unwrap()
    );
    b.forget(&work.component).await.unwrap();
    for at in 0..3 {
        assert_eq!(a.annotations(id(at)).await.unwrap(), []);
    }
    assert_eq!(counts(&all).await, []);
}
