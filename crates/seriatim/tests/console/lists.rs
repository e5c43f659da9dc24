//! What is listed, and in which order.

use seriatim::prelude::*;

use crate::server::Server;

fn shown(body: &str, letters: &[Uuid]) -> Vec<usize> {
    let mut places: Vec<_> = letters
        .iter()
        .enumerate()
        .filter_map(|(number, letter)| Some((body.find(&format!("/letters/{letter}"))?, number)))
        .collect();
    places.sort_unstable();
    places.into_iter().map(|(_, number)| number).collect()
}

#[tokio::test]
async fn letters_are_listed_newest_first_by_what_is_asked_for() {
    let server = Server::open().await;
    let client = server.stranger();
    assert!(client.get("/").await.says("<p id=\"waiting\">None.</p>"));
    let letters = [
        server.parked().await.1,
        server.parked_secret().await,
        server.given_up().await,
    ];
    for (path, expected) in [
        ("/letters", vec![2, 1, 0]),
        ("/letters?status=", vec![2, 1, 0]),
        ("/letters?status=parked", vec![2, 1, 0]),
        ("/letters?status=resolved", vec![]),
        ("/letters?status=discarded", vec![]),
        ("/letters?kind=command", vec![1, 0]),
        ("/letters?kind=reaction", vec![2]),
        ("/letters?domain=tab", vec![2, 0]),
        ("/letters?domain=absent", vec![]),
        ("/letters?component=till", vec![2]),
        (
            "/letters?kind=command&domain=secret&component=&status=parked",
            vec![1],
        ),
    ] {
        let list = client.get(path).await;
        assert_eq!(list.status, 200, "{path}");
        assert_eq!(shown(&list.body, &letters), expected, "{path}");
    }
    for path in [
        "/letters?status=odd",
        "/letters?kind=odd",
        "/letters?domain=A%20B",
        "/letters?component=A%20B",
        "/letters?component=absent",
        "/letters?after=x",
    ] {
        assert_eq!(client.get(path).await.status, 422, "{path}");
    }
    let overview = client.get("/").await;
    assert!(
        overview.says("<a href=\"/letters\">3</a>, the oldest since <time"),
        "{}",
        overview.body
    );
    assert!(overview.says("till") && overview.says("tab") && overview.says("Opened, Noted, Paid"));
}

#[tokio::test]
async fn letters_are_paged() {
    let server = Server::open().await;
    let client = server.stranger();
    let mut letters = Vec::new();
    for _ in 0..51 {
        letters.push(server.parked().await.1);
    }
    let first = client.get("/letters?kind=command").await;
    let expected: Vec<_> = (1..51).rev().collect();
    assert_eq!(shown(&first.body, &letters), expected);
    let next = first.body.split("rel=\"next\" href=\"").nth(1).unwrap();
    let next = next.split('"').next().unwrap().replace("&amp;", "&");
    let second = client.get(&next).await;
    assert_eq!(shown(&second.body, &letters), [0]);
    assert!(!second.says("rel=\"next\"") && second.says("commands</option>"));
}
