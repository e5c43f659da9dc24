//! Checks that a subscription outlives its calls, and returns nothing twice and nothing after a gap.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::stream::{self, BoxStream, StreamExt};
use seriatim_core::*;
use seriatim_proto::status::WireError;
use seriatim_proto::{CallError, Client, Connection, RemoteSubscription, convert, v1};
use tokio::net::TcpListener;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::transport::Server;
use tonic::{Request, Response, Status};
use v1::begin::At;
use v1::subscription_service_server::{SubscriptionService, SubscriptionServiceServer};

use crate::samples;

type Answer = Result<v1::SubscribeResponse, Status>;
type Answers = Vec<Answer>;

/// A server that gives each call the next of its answers, and notes where each was to begin. A call for which there is
/// none never ends.
#[derive(Clone, Default)]
struct Scripted {
    calls: Arc<Mutex<VecDeque<Result<Answers, Status>>>>,
    begins: Arc<Mutex<Vec<String>>>,
}

#[tonic::async_trait]
impl SubscriptionService for Scripted {
    type SubscribeStream = BoxStream<'static, Answer>;

    async fn subscribe(
        &self,
        request: Request<v1::SubscribeRequest>,
    ) -> Result<Response<Self::SubscribeStream>, Status> {
        let begin = match request.into_inner().begin.and_then(|begin| begin.at) {
            Some(At::After(cursor)) => cursor,
            Some(At::First(_)) => "first".into(),
            Some(At::Now(_)) => "now".into(),
            Some(At::Since(time)) => time.to_string(),
            None => "nowhere".into(),
        };
        self.begins.lock().unwrap().push(begin);
        let call = self.calls.lock().unwrap().pop_front();
        let answers = match call {
            Some(answers) => stream::iter(answers?).boxed(),
            None => stream::pending().boxed(),
        };
        Ok(Response::new(answers))
    }
}

impl Scripted {
    fn begins(&self) -> Vec<String> {
        self.begins.lock().unwrap().clone()
    }
}

/// Subscribes from the first event on to a server with such calls.
async fn subscribe(
    calls: impl IntoIterator<Item = Result<Answers, Status>>,
) -> (
    Scripted,
    Result<RemoteSubscription, CallError<SubscribeError>>,
) {
    let scripted = Scripted::default();
    scripted.calls.lock().unwrap().extend(calls);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let server = format!("http://{}", listener.local_addr().unwrap());
    let service = SubscriptionServiceServer::new(scripted.clone());
    tokio::spawn(
        Server::builder()
            .add_service(service)
            .serve_with_incoming(TcpListenerStream::new(listener)),
    );
    let client = Client::connect(&server, Duration::from_secs(60))
        .await
        .unwrap();
    let subscribed = client
        .subscribe(Begin::AtTheFirst, EventFilter::default())
        .await;
    (scripted, subscribed)
}

/// Makes a response with events of one stream, whose positions are one more than their sequences.
fn answer(sequences: &[u32], cursor: &str) -> Answer {
    let event = |sequence: &u32| {
        let event = RecordedEvent {
            position: Position(u64::from(*sequence) + 1),
            ..samples::event(*sequence)
        };
        convert::subscribed_event(&event)
    };
    Ok(v1::SubscribeResponse {
        events: sequences.iter().map(event).collect(),
        cursor: cursor.into(),
        caught_up: false,
    })
}

async fn next(
    subscription: &mut RemoteSubscription,
) -> Result<(Vec<u32>, String), CallError<SubscribeError>> {
    let waited = tokio::time::timeout(Duration::from_secs(120), subscription.next());
    let batch = waited.await.expect("it never came")?;
    let sequences = batch.events.iter().map(|event| event.sequence.0);
    Ok((sequences.collect(), positions(&batch.cursor)))
}

fn positions(cursor: &Cursor) -> String {
    let positions: Vec<_> = cursor.positions().map(|one| one.to_string()).collect();
    positions.join(",")
}

#[tokio::test]
async fn it_goes_on_after_the_last_cursor_whatever_ends_a_call() {
    let store = SubscribeError::Store(StoreError::new("read", StoreErrorKind::Unavailable, "down"));
    let (scripted, subscribed) = subscribe([
        Ok(vec![
            answer(&[], "0"),
            answer(&[0, 1], "2"),
            Err(store.to_status()),
        ]),
        Ok(vec![
            answer(&[], "2"),
            answer(&[2], "9"),
            Err(SubmitError::ShuttingDown.to_status()),
        ]),
        // This call gets no first response.
        Err(Status::unavailable("a proxy says so")),
        Ok(vec![]),
        Ok(vec![answer(&[], "9"), answer(&[9], "10")]),
        Ok(vec![answer(&[], "10"), answer(&[10], "11")]),
    ])
    .await;
    let told = Arc::new(Mutex::new(Vec::new()));
    let news = Arc::clone(&told);
    let mut subscription = subscribed.unwrap().on_connection(move |what| {
        news.lock()
            .unwrap()
            .push(matches!(what, Connection::Lost(_)));
    });
    assert_eq!(
        next(&mut subscription).await.unwrap(),
        (vec![0, 1], "2".into())
    );
    assert_eq!(
        next(&mut subscription).await.unwrap(),
        (vec![2], "9".into())
    );
    let gap = next(&mut subscription).await.unwrap_err();
    // No filter has left out 3 to 8: the server is at fault, and the gap is not skipped.
    assert!(
        matches!(
            gap,
            CallError::Refused(SubscribeError::SequenceMissing { expected: 3, .. })
        ),
        "{gap}"
    );
    assert_eq!(scripted.begins(), ["first", "2", "9", "9", "9"]);
    assert_eq!(positions(subscription.cursor()), "9");
    // It tells of each loss once, however often it was tried.
    assert_eq!(*told.lock().unwrap(), [true, false, true, false]);
}

#[tokio::test]
async fn repeats_are_dropped() {
    let (_, subscribed) = subscribe([Ok(vec![
        answer(&[], "0"),
        answer(&[0, 1], "2"),
        answer(&[0, 1, 2], "3"),
        answer(&[2], "3"),
        answer(&[3], "4"),
    ])])
    .await;
    let mut subscription = subscribed.unwrap();
    for expected in [&[0, 1][..], &[2], &[], &[3]] {
        assert_eq!(next(&mut subscription).await.unwrap().0, expected);
    }
}

#[tokio::test]
async fn what_precedes_a_gap_is_handed_out_and_the_gap_is_met_until_it_is_closed() {
    let (scripted, subscribed) = subscribe([
        Ok(vec![answer(&[], "0"), answer(&[0, 1, 3, 4], "5")]),
        Ok(vec![answer(&[], "2"), answer(&[3, 4], "5")]),
        Ok(vec![answer(&[], "2"), answer(&[2, 3, 4], "5")]),
    ])
    .await;
    let mut subscription = subscribed.unwrap();
    assert_eq!(
        next(&mut subscription).await.unwrap(),
        (vec![0, 1], "2".into())
    );
    assert!(next(&mut subscription).await.is_err());
    assert_eq!(
        next(&mut subscription).await.unwrap(),
        (vec![2, 3, 4], "5".into())
    );
    let after = format!("2:{}", uuid::Uuid::from_u128(1).simple());
    assert_eq!(scripted.begins(), ["first", &after, &after]);
}

#[tokio::test]
async fn an_error_that_does_not_pass_is_told_at_once() {
    let ahead = || SubscribeError::Replaced(samples::replaced());
    let (scripted, subscribed) = subscribe([
        Ok(vec![
            answer(&[], "0"),
            answer(&[0, 1], "2"),
            Err(Status::unavailable("restart")),
        ]),
        Err(ahead().to_status()),
    ])
    .await;
    let mut subscription = subscribed.unwrap();
    next(&mut subscription).await.unwrap();
    let error = next(&mut subscription).await.unwrap_err();
    assert!(
        matches!(error, CallError::Refused(SubscribeError::Replaced(_))),
        "{error}"
    );
    assert_eq!(scripted.begins(), ["first", "2"]);
}

#[tokio::test]
async fn answers_that_make_no_sense_are_none() {
    let without_page = || {
        let mut answer = answer(&[0], "1").unwrap();
        answer.events[0].page = None;
        Ok(answer)
    };
    for nonsense in [answer(&[0], "x"), answer(&[0], "1,1"), without_page()] {
        let (_, subscribed) = subscribe([Ok(vec![answer(&[], "0"), nonsense])]).await;
        let error = next(&mut subscribed.unwrap()).await.unwrap_err();
        assert!(matches!(error, CallError::Garbled(_)), "{error}");
    }
    let (_, subscribed) = subscribe([Ok(vec![answer(&[], "x")])]).await;
    assert!(matches!(subscribed, Err(CallError::Garbled(_))));
}

#[tokio::test]
async fn who_cannot_even_begin_is_told_so() {
    for (call, expected) in [
        (
            Err(Status::unavailable("no")),
            "the server cannot be reached: no",
        ),
        (
            Ok(vec![]),
            "the server cannot be reached: the subscription came to an end",
        ),
        (
            Err(Status::unimplemented("what?")),
            "the server does not know this call: what?",
        ),
    ] {
        let (_, subscribed) = subscribe([call]).await;
        assert_eq!(subscribed.unwrap_err().to_string(), expected);
    }
}

/// Each try takes longer than each wait for it, and still the connection is made in the end.
#[tokio::test]
async fn who_waits_in_small_portions_is_reconnected_all_the_same() {
    let (scripted, subscribed) = subscribe([
        Ok(vec![answer(&[], "0"), Err(Status::unavailable("restart"))]),
        Ok(vec![answer(&[], "0"), answer(&[0], "1")]),
    ])
    .await;
    let mut subscription = subscribed.unwrap();
    let batch = loop {
        tokio::select! {
            biased;
            batch = subscription.next() => break batch.unwrap(),
            () = tokio::task::yield_now() => {}
        }
    };
    assert_eq!(batch.events.len(), 1);
    assert_eq!(scripted.begins(), ["first", "0"]);
}
