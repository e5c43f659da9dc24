//! The module of the page restores the order of events as `core::Resequencer` does: the same vectors, and ten thousand
//! arrival orders that nobody has thought of.

use std::path::Path;

use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;
use serde_json::json;
use seriatim_browser::Browser;

use crate::service::Service;
use crate::vectors::{self, Begin, Step, Vector};

const CASES: usize = 10_000;
/// The cases that are handed to the page at once.
const AT_ONCE: usize = 500;

/// Plays vectors. Returns what came of each step where that is not what the vector says.
const PLAY: &str = "
    const [{ Resequencer }, vectors] = [await import('/live/resequencer.js'), arguments[0]];
    const range = ({ stream, from, through }) => stream === 'a' ? [from, through] : [from, through, stream];
    const differences = [];
    for (const vector of vectors) {
        const { limit, patience_ms: patience, begin = 'first' } = vector;
        const resequencer = new Resequencer({ limit, patience, anywhere: begin === 'anywhere' });
        const place = (stream, at) => at.next !== undefined
            ? resequencer.beginAt(stream, at.next) : resequencer.beginAfter(stream, at.after);
        if (typeof begin === 'object') place('a', begin);
        let now = 0;
        for (const [number, step] of vector.steps.entries()) {
            const { stream = 'a' } = step;
            now = step.at_ms ?? now;
            const came = {};
            if (step.offer !== undefined) {
                const { fate, events } = resequencer.offer(stream, step.offer, step.offer);
                came.gives = fate === 'ready' ? { ready: events } : fate;
            } else if (step.begin !== undefined) {
                came.gives = { ready: place(stream, step.begin) };
            } else if (step.forget) {
                resequencer.forget(stream);
            } else if (step.expect_through !== undefined) {
                resequencer.expectThrough(stream, step.expect_through);
            } else {
                came.overdue = resequencer.overdue(now).map(range);
            }
            const gaps = resequencer.gaps().map(range);
            if (gaps.length > 0) came.gaps = gaps;
            const wake = resequencer.nextDeadline(now);
            if (wake !== null) came.wake_ms = wake;
            const { gives, overdue, gaps: expected, wake_ms } = step;
            const right = JSON.stringify([gives, overdue, expected, wake_ms]);
            const got = JSON.stringify([came.gives, came.overdue, came.gaps, came.wake_ms]);
            if (got !== right) differences.push(`${vector.name}, step ${number}: ${got} and not ${right}`);
        }
    }
    return differences;
";

/// Returns an arrival order: events of two streams that come early, late, twice or not at all, and questions.
fn arrivals() -> impl Strategy<Value = Vector> {
    let begin = prop_oneof![
        Just(Begin::First),
        Just(Begin::Anywhere),
        (0..6u32).prop_map(Begin::Next),
        (0..6u32).prop_map(Begin::After),
    ];
    let what = prop_oneof![
        8 => (0..14u32).prop_map(|sequence| Step { offer: Some(sequence), ..Step::default() }),
        2 => Just(Step { overdue: Some(Vec::new()), ..Step::default() }),
        1 => (0..14u32).prop_map(|last| Step { expect_through: Some(last), ..Step::default() }),
        1 => (0..14u32).prop_map(|next| Step { begin: Some(Begin::Next(next)), ..Step::default() }),
        1 => Just(Step { forget: Some(true), ..Step::default() }),
    ];
    let step = (
        what,
        0..120u64,
        prop_oneof![3 => Just(None), 1 => Just(Some('b'))],
    );
    let steps = proptest::collection::vec(step, 1..24);
    let patience = prop_oneof![Just(None), (1..200u64).prop_map(Some)];
    (begin, 0..6usize, patience, steps).prop_map(|(begin, limit, patience_ms, steps)| {
        let mut at = 0;
        let steps = steps.into_iter().map(|(mut step, later, stream)| {
            at += later;
            step.at_ms = Some(at);
            // Only an offer, a place and the like belong to a stream.
            step.stream = stream.filter(|_| step.overdue.is_none());
            step
        });
        Vector {
            name: "an arrival order".into(),
            limit,
            patience_ms,
            begin,
            steps: steps.collect(),
        }
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_orders_events_as_the_crate_does() {
    let service = Service::start(1);
    let browser = Browser::start().await.unwrap();
    let page = browser.open(&service.urls[0]).await.unwrap();
    let folder = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../crates/core/tests/vectors/resequencer"
    );
    let known = vectors::read(Path::new(folder));
    known.iter().for_each(vectors::check);
    let differences = page.execute(PLAY, [json!(known)]).await.unwrap();
    assert_eq!(differences, json!([]));
    // One that is wrong is found.
    let mut wrong = known[0].clone();
    wrong.steps[0].gaps = vec![vectors::Range::Unnamed(77, 78)];
    let differences = page.execute(PLAY, [json!([wrong])]).await.unwrap();
    assert_eq!(differences.as_array().unwrap().len(), 1, "{differences}");

    let mut runner = TestRunner::deterministic();
    let strategy = arrivals();
    for _ in 0..CASES / AT_ONCE {
        let cases = (0..AT_ONCE).map(|_| {
            let case = strategy.new_tree(&mut runner).unwrap().current();
            vectors::play(&case)
        });
        let cases: Vec<Vector> = cases.collect();
        let differences = page.execute(PLAY, [json!(cases)]).await.unwrap();
        assert_eq!(differences, json!([]));
    }
}
