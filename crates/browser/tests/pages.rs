//! Real pages in a real browser.

mod support;

use std::fs;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use seriatim_browser::{Browser, BrowserError, Page};
use tokio::net::TcpListener;

use support::{html, serve};

const COUNTER: &str = "
<p id=count>0</p><button id=more>more</button> <input id=name> <p id=greeting></p>
<div id=cover style='display:none; position:fixed; inset:0'></div>
<script>
    const count = document.querySelector('#count');
    document.querySelector('#more').onclick = () => { count.textContent = Number(count.textContent) + 1; };
    document.querySelector('#name').onchange = event => {
        document.querySelector('#greeting').textContent = `Hello, ${event.target.value}`;
    };
</script>";

const SCRIPTED: &str = "
<noscript><p id=off>no scripts</p></noscript><p id=on></p>
<script>document.querySelector('#on').textContent = 'scripts';</script>";

fn site(path: &str) -> Option<String> {
    let body = match path {
        "/" => COUNTER,
        "/scripted" => SCRIPTED,
        "/errors" => {
            "<script>console.error('it is broken'); console.log('fine'); nobody();</script>"
        }
        "/empty" => "",
        _ => return None,
    };
    Some(html(body))
}

async fn open(path: &str) -> Page {
    let browser = Browser::start().await.unwrap();
    let url = serve(site).await + path;
    browser.open(&url).await.unwrap()
}

#[tokio::test]
async fn a_button_is_clicked_and_a_text_is_read() {
    let page = open("/").await;
    page.click("#more").await.unwrap();
    page.click("#more").await.unwrap();
    assert_eq!(page.text("#count").await.unwrap(), "2");
    page.type_text("#name", "Ann\n").await.unwrap();
    assert_eq!(page.text("#greeting").await.unwrap(), "Hello, Ann");
    assert_eq!(page.console_errors().await.unwrap(), Vec::<String>::new());
}

#[tokio::test]
async fn a_page_can_be_used_in_a_task() {
    let page = open("/").await;
    let task = tokio::spawn(async move {
        page.until_element("#more").await?;
        page.click("#more").await?;
        page.type_text("#name", "Ann").await?;
        page.until("document.querySelector('#count').textContent == 1")
            .await?;
        page.text("#count").await
    });
    assert_eq!(task.await.unwrap().unwrap(), "1");
}

#[tokio::test]
async fn a_click_waits_until_there_is_something_to_click() {
    let page = open("/empty").await;
    let later = "setTimeout(() => {
        document.body.innerHTML = '<button onclick=\"this.textContent = 1\">0</button>';
    }, 300);";
    page.execute(later, []).await.unwrap();
    page.click("button").await.unwrap();
    assert_eq!(page.text("button").await.unwrap(), "1");
}

#[tokio::test]
async fn an_element_that_stays_covered_is_not_clicked() {
    let mut page = open("/").await;
    page.set_patience(Duration::from_millis(50));
    let cover = "document.querySelector('#cover').style.display = 'block'";
    page.execute(cover, []).await.unwrap();
    let said = page.click("#more").await.unwrap_err().to_string();
    assert!(said.contains("intercepted"), "{said}");
    assert_eq!(page.text("#count").await.unwrap(), "0");
}

#[tokio::test]
async fn an_element_that_does_not_come_is_an_error_that_names_it() {
    let mut page = open("/empty").await;
    page.set_patience(Duration::from_millis(50));
    let said = page.click("#nothing").await.unwrap_err().to_string();
    assert!(
        said.starts_with("click #nothing: no such element"),
        "{said}"
    );
    let said = page
        .until_element("#nothing")
        .await
        .unwrap_err()
        .to_string();
    assert!(said.starts_with("find #nothing: no such element"), "{said}");
}

#[tokio::test]
async fn a_script_awaits_and_takes_and_returns_json() {
    let page = open("/empty").await;
    let body = "
        const [given, factor] = arguments;
        await new Promise(later => setTimeout(later, 10));
        return { doubled: given.numbers.map(number => number * factor), text: given.text, nothing: null };";
    let given = json!({ "numbers": [1, 2.5], "text": "\u{1f600} <b>'\"\\" });
    let returned = page.execute(body, [given, json!(2)]).await.unwrap();
    let text = "\u{1f600} <b>'\"\\";
    assert_eq!(
        returned,
        json!({ "doubled": [2, 5], "text": text, "nothing": null })
    );
    let said = page.execute("throw new Error('broken')", []).await;
    let said = said.unwrap_err().to_string();
    assert!(said.contains("broken") && !said.contains("#0 0x"), "{said}");
}

#[tokio::test]
async fn a_condition_is_waited_for() {
    let mut page = open("/empty").await;
    let later = "setTimeout(() => document.body.append(document.createElement('hr')), 50);";
    page.execute(later, []).await.unwrap();
    page.until("document.querySelector('hr').parentNode == document.body")
        .await
        .unwrap();
    page.until_element("hr").await.unwrap();

    let limit = Duration::from_millis(50);
    page.set_patience(limit);
    let begun = Instant::now();
    let error = page.until("document.querySelectorAll('hr').length > 1");
    let error = error.await.unwrap_err();
    assert!(begun.elapsed() >= limit);
    assert!(
        matches!(error, BrowserError::Waited { ref last, .. } if last == "false"),
        "{error}"
    );
    let error = page
        .until("document.querySelector('p').id")
        .await
        .unwrap_err();
    assert!(
        matches!(error, BrowserError::Waited { ref last, .. } if last.contains("null")),
        "{error}"
    );
}

#[tokio::test]
async fn errors_of_the_page_are_read_once() {
    let page = open("/errors").await;
    let errors = page.console_errors().await.unwrap();
    assert_eq!(errors.len(), 2, "{errors:?}");
    assert!(errors[0].contains("it is broken"), "{errors:?}");
    assert!(errors[1].contains("nobody is not defined"), "{errors:?}");
    assert_eq!(page.console_errors().await.unwrap(), Vec::<String>::new());

    page.execute("await fetch('/missing')", []).await.unwrap();
    let errors = next_errors(&page).await;
    assert_eq!(errors.len(), 1, "{errors:?}");
    assert!(errors[0].contains("404"), "{errors:?}");
}

/// The browser may log an error a moment after the page has it.
async fn next_errors(page: &Page) -> Vec<String> {
    let begun = Instant::now();
    loop {
        let errors = page.console_errors().await.unwrap();
        if !errors.is_empty() || begun.elapsed() > Duration::from_secs(60) {
            return errors;
        }
    }
}

#[tokio::test]
async fn a_screenshot_is_a_png_of_the_size_of_the_page() {
    let page = open("/").await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("page.png");
    page.screenshot(&file).await.unwrap();
    assert_eq!(size_of_png(&fs::read(&file).unwrap()), (1280, 800));
    page.set_size(400, 900).await.unwrap();
    page.screenshot(&file).await.unwrap();
    assert_eq!(size_of_png(&fs::read(&file).unwrap()), (400, 900));
    let inner = page.execute("return [innerWidth, innerHeight]", []).await;
    assert_eq!(inner.unwrap(), json!([400, 900]));
    let error = page.screenshot(folder.path()).await.unwrap_err();
    assert!(matches!(error, BrowserError::File { .. }), "{error}");
}

fn size_of_png(png: &[u8]) -> (u32, u32) {
    let number = |at: usize| u32::from_be_bytes(png[at..at + 4].try_into().unwrap());
    assert_eq!(&png[..8], b"\x89PNG\r\n\x1a\n");
    assert_eq!(&png[12..16], b"IHDR");
    (number(16), number(20))
}

/// Without a font all letters would be empty, or the same box.
#[tokio::test]
async fn letters_have_glyphs() {
    let page = open("/empty").await;
    let body = "
        const pixels = letter => {
            const canvas = document.createElement('canvas');
            const pen = canvas.getContext('2d');
            pen.font = '40px sans-serif';
            pen.fillText(letter, 10, 60);
            const { data } = pen.getImageData(0, 0, canvas.width, canvas.height);
            return [...data].filter((value, at) => at % 4 == 3 && value > 0).length;
        };
        return ['A', 'i', ' '].map(pixels);";
    let drawn: Vec<u64> = serde_json::from_value(page.execute(body, []).await.unwrap()).unwrap();
    assert!(drawn[0] > drawn[1] && drawn[1] > 0, "{drawn:?}");
    assert_eq!(drawn[2], 0);
}

#[tokio::test]
async fn two_pages_are_two_browsers() {
    let browser = Browser::start().await.unwrap();
    let url = serve(site).await;
    let (ann, bob) = tokio::join!(browser.open(&url), browser.open(&url));
    let (ann, bob) = (ann.unwrap(), bob.unwrap());
    let body = "localStorage.name = arguments[0]; document.cookie = arguments[0];";
    let (a, b) = (json!("ann"), json!("bob"));
    let (one, other) = tokio::join!(ann.execute(body, [a]), bob.execute(body, [b]));
    one.and(other).unwrap();
    let remembered = "return [localStorage.name, document.cookie]";
    let of = async |page: &Page| page.execute(remembered, []).await.unwrap();
    assert_eq!(of(&ann).await, json!(["ann", "ann"]));
    drop(ann);
    assert_eq!(of(&bob).await, json!(["bob", "bob"]));
}

#[tokio::test]
async fn scripts_can_be_off() {
    let page = open("/scripted").await;
    assert_eq!(page.text("#on").await.unwrap(), "scripts");
    page.scripts_off().await.unwrap();
    let url = page.execute("return location.href", []).await.unwrap();
    page.goto(url.as_str().unwrap()).await.unwrap();
    assert_eq!(page.text("#off").await.unwrap(), "no scripts");
    assert_eq!(page.text("#on").await.unwrap(), "");
    let shown = page.execute("return document.querySelector('#on') != null", []);
    assert_eq!(shown.await.unwrap(), Value::Bool(true));
}

#[tokio::test]
async fn a_reader_can_prefer_dark_colours() {
    let page = open("/empty").await;
    let dark = "return matchMedia('(prefers-color-scheme: dark)').matches";
    assert_eq!(page.execute(dark, []).await.unwrap(), json!(false));
    page.prefer_dark().await.unwrap();
    assert_eq!(page.execute(dark, []).await.unwrap(), json!(true));
    let url = page.execute("return new URL('/', location).href", []);
    let url = url.await.unwrap();
    page.goto(url.as_str().unwrap()).await.unwrap();
    assert_eq!(page.execute(dark, []).await.unwrap(), json!(true));
}

#[tokio::test]
async fn a_server_that_does_not_answer_is_an_error() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    tokio::spawn(async move { while listener.accept().await.is_ok() {} });
    let browser = Browser::start().await.unwrap();
    let error = browser.open(&url).await.unwrap_err();
    assert!(matches!(error, BrowserError::Load { .. }), "{error}");
    assert!(error.to_string().contains("ERR_"), "{error}");
}
