//! Rules about the scopes of checkpoints.

use std::num::NonZero;
use std::time::Duration;

use seriatim_core::{EventFilter, Hold, Owner, Position, Scope, Share, Taking, Update, Work};
use uuid::Uuid;

use super::CheckpointHandle;
use super::checkpoints::{HOUR, take, work, write};

/// With every part of a filter, and names that no program would have.
fn scope(types: &[&str], after: u64) -> Scope {
    let filter = EventFilter {
        domains: vec!["order".parse().expect("it is a domain")],
        types: types.iter().map(|name| (*name).to_owned()).collect(),
        roots: vec![Uuid::from_u128(7)],
        workflows: vec!["checkout-7".into()],
    };
    let after = Position(after);
    Scope { filter, after }
}

/// It is kept for each piece of work, and stays when the work changes hands.
pub async fn a_checkpoint_speaks_of_what_it_was_told_to(
    a: &CheckpointHandle,
    b: &CheckpointHandle,
) {
    let (whole, other) = (work("balances"), work("emails"));
    let mut halves = Share::all(NonZero::new(2).expect("2 is not 0"));
    let half = Work {
        share: halves.next().expect("there are two"),
        ..whole.clone()
    };
    let component = &whole.component;
    let tenure = take(a, &whole, "one", HOUR).await;
    assert_eq!(b.scopes(component).await.unwrap(), []);
    let first = scope(&["Paid", "'\"; \0 ä"], u64::from(u32::MAX) + 1);
    let held = write(a, &tenure, &Update::Scope(first.clone())).await;
    assert_eq!(held, Hold::Held);
    let other_owner = b.take(&whole, &Owner::new("two"), HOUR).await.unwrap();
    assert!(
        matches!(other_owner, Taking::Busy { .. }),
        "{other_owner:?}"
    );
    a.release(&tenure).await.unwrap();
    take(b, &whole, "two", HOUR).await;
    take(b, &half, "two", HOUR).await;
    take(b, &other, "two", HOUR).await;
    let kept = a.scopes(component).await.unwrap();
    assert_eq!(kept, [(whole.clone(), first.clone())]);

    let tenure = take(
        a,
        &Work {
            share: halves.next().expect("there are two"),
            ..half
        },
        "one",
        HOUR,
    )
    .await;
    let second = Scope {
        filter: EventFilter::default(),
        after: Position::START,
    };
    let held = write(a, &tenure, &Update::Scope(second.clone())).await;
    assert_eq!(held, Hold::Held);
    let kept = b.scopes(component).await.unwrap();
    assert_eq!(kept, [(whole, first), (tenure.work, second)]);
    assert_eq!(b.scopes(&other.component).await.unwrap(), []);
}

/// A former owner changes nothing; the one in force renews its lease.
pub async fn only_an_owner_says_what_a_checkpoint_speaks_of(
    a: &CheckpointHandle,
    b: &CheckpointHandle,
) {
    let work = work("balances");
    let former = take(a, &work, "one", Duration::ZERO).await;
    let tenure = take(b, &work, "two", Duration::ZERO).await;
    let (wanted, late) = (scope(&["Paid"], 3), scope(&["Sent"], 4));
    let held = write(b, &tenure, &Update::Scope(wanted.clone())).await;
    assert_eq!(held, Hold::Held);
    let lost = write(a, &former, &Update::Scope(late.clone())).await;
    assert_eq!(lost, Hold::Lost);
    let kept = a.scopes(&work.component).await.unwrap();
    assert_eq!(kept, [(work.clone(), wanted)]);
    assert_eq!(write(a, &former, &Update::Renew).await, Hold::Lost);
    assert_eq!(write(b, &tenure, &Update::Renew).await, Hold::Held);
    b.release(&tenure).await.unwrap();
    let lost = write(b, &tenure, &Update::Scope(late.clone())).await;
    assert_eq!(lost, Hold::Lost);
}

/// Nothing is said of a component that begins anew, or that was forgotten.
pub async fn what_a_checkpoint_speaks_of_goes_with_it(a: &CheckpointHandle, b: &CheckpointHandle) {
    let work = work("balances");
    for anew in [true, false] {
        let tenure = take(a, &work, "one", HOUR).await;
        let wanted = scope(&["Paid"], 3);
        let held = write(a, &tenure, &Update::Scope(wanted.clone())).await;
        assert_eq!(held, Hold::Held);
        match anew {
            true => b
                .begin_anew(&work.component, &std::iter::empty().collect())
                .await
                .unwrap(),
            false => b.forget(&work.component).await.unwrap(),
        }
        assert_eq!(a.scopes(&work.component).await.unwrap(), []);
        take(a, &work, "one", Duration::ZERO).await;
        assert_eq!(b.scopes(&work.component).await.unwrap(), []);
        b.forget(&work.component).await.unwrap();
    }
}
