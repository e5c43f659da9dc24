//! An application as its developer sees it, on real files.

use serde::{Deserialize, Serialize};
use seriatim::core::{AppendOutcome, LogPartition};
use seriatim::prelude::*;
use seriatim::{App, OpenStoreError, StartAppError};

#[derive(Event, Serialize, Deserialize, Clone, Debug, PartialEq)]
enum Happened {
    Added { count: i64 },
}

#[derive(Command, Serialize, Deserialize, Clone, Debug)]
enum Do {
    Add { count: i64 },
    Take { count: i64 },
}

#[derive(Rejection, thiserror::Error, Debug)]
enum No {
    #[error("there are only {count}")]
    TooFew { count: i64 },
}

#[derive(Default, Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Stock {
    count: i64,
}

impl Aggregate for Stock {
    const DOMAIN: &'static str = "stock";
    type Command = Do;
    type Event = Happened;
    type Rejection = No;

    fn decide(&self, command: &Do) -> Result<Vec<Happened>, No> {
        match *command {
            Do::Add { count } => Ok(vec![Happened::Added { count }]),
            Do::Take { count } if count > self.count => Err(No::TooFew { count: self.count }),
            Do::Take { count } => Ok(vec![Happened::Added { count: -count }]),
        }
    }

    fn evolve(&mut self, Happened::Added { count }: &Happened) {
        self.count += count;
    }
}

async fn open(url: &str) -> App {
    App::open(url)
        .await
        .unwrap()
        .aggregate::<Stock>()
        .start()
        .await
        .unwrap()
}

fn file(folder: &tempfile::TempDir) -> String {
    format!("sqlite://{}", folder.path().join("stock.db").display())
}

#[tokio::test]
async fn what_was_acknowledged_is_there_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let root = Uuid::now_v7();
    for n in 0..5u32 {
        let app = open(&file(&folder)).await;
        let mut send = app.of::<Stock>(root).send(Do::Add { count: 1 });
        send = if n == 0 {
            send.expecting(NoStream)
        } else {
            send.expecting(n - 1).merge(Strict)
        };
        let receipt = send.await.unwrap();
        assert_eq!(receipt.sequences(), Some((Sequence(n), Sequence(n))));
        app.shutdown().await.unwrap();
    }
    let app = open(&file(&folder)).await;
    let standing = app.of::<Stock>(root).state().await.unwrap();
    assert_eq!(
        (standing.state.count, standing.sequence),
        (5, Some(Sequence(4)))
    );
    assert_eq!(
        app.of::<Stock>(root)
            .events(Sequence(2), 10)
            .await
            .unwrap()
            .len(),
        3
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_applications_on_one_file_lose_and_double_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let apps = [open(&file(&folder)).await, open(&file(&folder)).await];
    let roots = [Uuid::now_v7(), Uuid::now_v7()];
    let mut tasks = Vec::new();
    for n in 0..200usize {
        let (app, root) = (apps[n % 2].clone(), roots[n / 2 % 2]);
        // Every external id is sent twice, once to each.
        let external_id = format!("add-{}", n / 2);
        tasks.push(tokio::spawn(async move {
            app.of::<Stock>(root)
                .send(Do::Add { count: 1 })
                .external_id(external_id)
                .await
        }));
    }
    for task in tasks {
        task.await.unwrap().unwrap();
    }
    for root in roots {
        for app in &apps {
            let standing = app.of::<Stock>(root).state().await.unwrap();
            assert_eq!(
                (standing.state.count, standing.sequence),
                (50, Some(Sequence(49)))
            );
        }
    }
    let log = apps[0]
        .coordinator()
        .store()
        .read_log(LogPartition::FIRST, Default::default(), 1000)
        .await
        .unwrap();
    let positions: Vec<_> = log.events.iter().map(|event| event.position.0).collect();
    assert_eq!(positions, (1..=100).collect::<Vec<_>>());
}

#[tokio::test]
async fn the_last_sequence_of_a_stream_is_an_error_and_not_a_wrap() {
    let folder = tempfile::tempdir().unwrap();
    let app = open(&file(&folder)).await;
    let root = Uuid::now_v7();
    app.of::<Stock>(root)
        .send(Do::Add { count: 1 })
        .await
        .unwrap();
    app.shutdown().await.unwrap();

    // Nobody writes four billion events in a test: the first one is moved to the end.
    let path = folder.path().join("stock.db");
    let database = rusqlite::Connection::open(path).unwrap();
    database
        .execute("UPDATE seriatim_events SET sequence = ?", [u32::MAX - 1])
        .unwrap();
    drop(database);

    let app = open(&file(&folder)).await;
    let store = app.coordinator().store();
    let stream = seriatim::core::StreamId::new(seriatim::core::Domain::of::<Stock>(), root);
    let append = |count: usize, after| seriatim::core::Append {
        stream: stream.clone(),
        write: seriatim::core::Write::Events {
            after: Some(Sequence(after)),
            last: None,
            events: (0..count)
                .map(|_| seriatim::core::NewEvent {
                    id: Uuid::now_v7(),
                    payload: seriatim::core::Payload::json("Added", r#"{"count":1}"#),
                    metadata: Default::default(),
                })
                .collect(),
        },
        claim: None,
        beside: Vec::new(),
    };
    let full = store.append(vec![append(2, u32::MAX - 1)]).await.unwrap();
    assert_eq!(full, [AppendOutcome::StreamFull]);
    let last = store.append(vec![append(1, u32::MAX - 1)]).await.unwrap();
    assert!(matches!(last[0], AppendOutcome::Written { .. }));
    let full = store.append(vec![append(1, u32::MAX)]).await.unwrap();
    assert_eq!(full, [AppendOutcome::StreamFull]);
}

/// A backup is restored under an application that runs: the stream is as long as the one whose state was kept.
#[tokio::test]
async fn nothing_is_decided_on_the_state_of_a_log_that_was_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let app = open(&file(&folder)).await;
    let root = Uuid::now_v7();
    app.of::<Stock>(root)
        .send(Do::Add { count: 10 })
        .await
        .unwrap();
    let database = rusqlite::Connection::open(folder.path().join("stock.db")).unwrap();
    let replace = "UPDATE seriatim_events SET id = ?, data = ?";
    let another = (Uuid::now_v7().as_bytes().to_vec(), r#"{"count":2}"#);
    database.execute(replace, another).unwrap();

    let taken = app.of::<Stock>(root).send(Do::Take { count: 9 }).await;
    let refused = taken.unwrap_err().to_string();
    assert!(refused.contains("there are only 2"), "{refused}");
    app.of::<Stock>(root)
        .send(Do::Take { count: 2 })
        .await
        .unwrap();
}

#[tokio::test]
async fn what_names_no_store_says_what_would() {
    for url in ["bank.db", "mysql://x", ""] {
        let error = App::open(url).await.unwrap_err();
        assert!(matches!(error, OpenStoreError::UnknownScheme { .. }));
        assert!(error.to_string().contains("sqlite://"), "{error}");
    }
}

#[tokio::test]
async fn an_address_that_is_taken_is_named() {
    let first = App::open("memory:")
        .await
        .unwrap()
        .listen("127.0.0.1:0")
        .start()
        .await
        .unwrap();
    let taken = first.address().unwrap().to_string();
    let second = App::open("memory:")
        .await
        .unwrap()
        .listen(taken.clone())
        .start()
        .await;
    let Err(StartAppError::Listen { address, .. }) = second else {
        panic!("{second:?}")
    };
    assert_eq!(address, taken);
    first.shutdown().await.unwrap();
    first.shutdown().await.unwrap();
}

#[tokio::test]
async fn a_premise_that_is_no_path_is_refused() {
    let app = open("memory:").await;
    let answer = app
        .of::<Stock>(Uuid::now_v7())
        .send(Do::Add { count: 1 })
        .premise("a..b")
        .await;
    assert!(matches!(answer, Err(SubmitError::Invalid(_))), "{answer:?}");
}

/// A program that imports all names by globs still has those of the prelude of `std`: this does not compile if a public
/// type has one of them.
mod names {
    #![expect(unused_imports, reason = "none of the imported names is used")]
    #![expect(dead_code, reason = "it is compiled, not called")]

    use seriatim::core::*;
    use seriatim::prelude::*;
    use seriatim::*;

    macro_rules! same_traits {
        ($($short:path = $long:path;)*) => {$(
            const _: () = {
                fn long<T: $long>() {}
                fn short<T: $short>() {
                    long::<T>();
                }
            };
        )*};
    }

    macro_rules! same_types {
        ($($short:ty = $long:ty;)*) => {$(
            const _: fn($short) -> $long = |same| same;
        )*};
    }

    same_traits! {
        AsMut<()> = std::convert::AsMut<()>;
        AsRef<()> = std::convert::AsRef<()>;
        Clone = std::clone::Clone;
        Copy = std::marker::Copy;
        Default = std::default::Default;
        DoubleEndedIterator = std::iter::DoubleEndedIterator;
        Eq = std::cmp::Eq;
        ExactSizeIterator = std::iter::ExactSizeIterator;
        Extend<()> = std::iter::Extend<()>;
        From<()> = std::convert::From<()>;
        FromIterator<()> = std::iter::FromIterator<()>;
        Future = std::future::Future;
        Into<()> = std::convert::Into<()>;
        IntoFuture = std::future::IntoFuture;
        IntoIterator = std::iter::IntoIterator;
        Iterator = std::iter::Iterator;
        Ord = std::cmp::Ord;
        PartialEq = std::cmp::PartialEq;
        PartialOrd = std::cmp::PartialOrd;
        Send = std::marker::Send;
        Sync = std::marker::Sync;
        ToOwned = std::borrow::ToOwned;
        ToString = std::string::ToString;
        TryFrom<()> = std::convert::TryFrom<()>;
        TryInto<()> = std::convert::TryInto<()>;
        Unpin = std::marker::Unpin;
    }

    same_types! {
        Box<()> = std::boxed::Box<()>;
        Option<()> = std::option::Option<()>;
        Result<(), ()> = std::result::Result<(), ()>;
        String = std::string::String;
        Vec<()> = std::vec::Vec<()>;
    }
}
