//! Real browsers for tests of web pages: headless Chromium, driven through ChromeDriver.
//!
//! ```no_run
//! # async fn test() -> Result<(), seriatim_browser::BrowserError> {
//! use seriatim_browser::Browser;
//!
//! let browser = Browser::start().await?;
//! let page = browser.open("http://127.0.0.1:8080/").await?;
//! page.click("#send").await?;
//! page.until("document.querySelectorAll('.sent').length == 1").await?;
//! assert_eq!(page.text(".sent").await?, "hello");
//! assert_eq!(page.console_errors().await?, Vec::<String>::new());
//! # Ok(())
//! # }
//! ```
//!
//! The tests of one process share one ChromeDriver, and each [`Page`] is a Chromium of its own: it shares no cookies,
//! no storage and no connections with others. Every wait is bounded. The processes end with the test process, also if
//! that is killed.
//!
//! `cargo xtask test` installs Chromium and ChromeDriver where it can. They are looked for in `PATH` and in `/usr/bin`;
//! the variables `SERIATIM_CHROMIUM` and `SERIATIM_CHROMEDRIVER` name others. A test fails if they are missing.

mod browser;
mod client;
mod driver;
mod error;
mod guard;
mod launch;
mod page;
mod programs;
mod waiting;
mod webdriver;

pub use browser::Browser;
pub use error::{BrowserError, WebDriverError};
pub use page::Page;
