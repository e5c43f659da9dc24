//! Streams of an application in browsers.

use seriatim_live::{Live, LiveBuilder, StartLiveError};

use crate::App;

impl App {
    /// Starts a gateway through which browsers follow streams and send commands. `rooms` says which. Mount it with
    /// [`Live::router`], and serve that with [`App::serve_pages`] or with a server of your own. It ends with the
    /// application.
    ///
    /// If callers are asked who they are, this waits until the tokens of the store are known.
    pub async fn live(
        &self,
        rooms: impl FnOnce(LiveBuilder) -> LiveBuilder,
    ) -> Result<Live, StartLiveError> {
        let access = self.doors.access.clone();
        if access.asks() {
            access.tokens().until_read().await;
        }
        let builder = LiveBuilder::new(self.coordinator.clone(), self.feed.clone(), access);
        let live = rooms(builder).start().await?;
        self.doors.keep(live.clone());
        Ok(live)
    }
}
