//! The browsers of one test process.

use std::sync::{Arc, Weak};

use tokio::sync::Mutex;

use crate::driver::Driver;
use crate::{BrowserError, Page, launch};

/// The driver that the tests of this process share. The last [`Browser`] or [`Page`] that is dropped ends it.
static SHARED: Mutex<Weak<Driver>> = Mutex::const_new(Weak::new());

/// Opens pages. A copy opens them with the same driver.
#[derive(Clone, Debug)]
pub struct Browser {
    pub(crate) driver: Arc<Driver>,
}

impl Browser {
    /// Returns the driver that the tests of this process share, and starts it if it does not run.
    ///
    /// Fails if Chromium or ChromeDriver is missing, and if ChromeDriver does not start within a minute.
    pub async fn start() -> Result<Self, BrowserError> {
        let mut shared = SHARED.lock().await;
        if let Some(driver) = shared.upgrade().filter(|driver| driver.is_running()) {
            return Ok(Self { driver });
        }
        let driver = Arc::new(Driver::start().await?);
        *shared = Arc::downgrade(&driver);
        Ok(Self { driver })
    }

    /// Starts a Chromium with a profile of its own and opens `url` in it. Returns its page when the page has loaded.
    ///
    /// Fails if Chromium does not start, or if the page cannot be loaded within a minute. An answer with an error
    /// status is a page too. `about:blank` is an empty page, for what must be set before the first one is loaded.
    pub async fn open(&self, url: &str) -> Result<Page, BrowserError> {
        let page = launch::page(self).await?;
        page.goto(url).await?;
        Ok(page)
    }

    /// Kills the driver, as a crash would. All its pages fail from then on, and the next [`Browser::start`] starts
    /// another driver.
    pub fn kill(&self) {
        self.driver.kill();
    }
}
