//! Does what a person does at the desk.

use seriatim_core::{
    DeadLetter, Decision, LetterFilter, LetterSource, LetterStatus, OperatorError, ReactionLetter,
    StreamId, Verb,
};
use seriatim_runtime::Reactions;

/// Returns all letters with this status, oldest first.
pub(super) async fn letters(reactions: &Reactions, status: LetterStatus) -> Vec<ReactionLetter> {
    let filter = LetterFilter {
        status: Some(status),
        ..LetterFilter::default()
    };
    let letters = reactions.letters(&filter, usize::MAX).await.unwrap();
    letters.into_iter().map(of_reaction).collect()
}

pub(super) fn of_reaction(letter: DeadLetter) -> ReactionLetter {
    match letter {
        DeadLetter::Reaction(letter) => *letter,
        DeadLetter::Command(letter) => panic!("nobody sends commands here: {letter:?}"),
    }
}

pub(super) fn decision(verb: Verb, letter: &ReactionLetter) -> Decision {
    Decision {
        letter: letter.id.unwrap(),
        action: verb.into(),
        actor: Some("zoe".into()),
        reason: Some("it was printed by hand".into()),
    }
}

/// Decides about the letter of a parked stream. Returns the letter as it is after that.
pub(super) async fn decide(
    reactions: &Reactions,
    verb: Verb,
    stream: &StreamId,
) -> Result<ReactionLetter, OperatorError> {
    let parked = letters(reactions, LetterStatus::Parked).await;
    let letter = parked.iter().find(|letter| letter.stream == *stream);
    let letter = letter.expect("there is a letter");
    let decided = reactions.decide(&decision(verb, letter)).await?;
    Ok(of_reaction(decided.expect("it is there")))
}

/// Resubmits every letter that nobody has decided about. Returns how many there were.
pub(super) async fn resubmit_all(reactions: &Reactions) -> usize {
    let mut count = 0;
    for letter in letters(reactions, LetterStatus::Parked).await {
        // The letter may have been closed since.
        count += usize::from(
            reactions
                .decide(&decision(Verb::Resubmit, &letter))
                .await
                .is_ok(),
        );
    }
    count
}
