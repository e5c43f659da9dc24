//! Says on the terminal what stands still, and why: at the start, and whenever it happens.

use seriatim::{App, PieceState};

/// Watches until the program ends.
pub(crate) fn say(app: &App) {
    for mut piece in app.reactions().watch() {
        tokio::spawn(async move {
            loop {
                let status = piece.borrow_and_update().clone();
                if let PieceState::Paused { error, .. } = status.state {
                    eprintln!("orders: {} is paused: {error}", status.work);
                }
                if piece.changed().await.is_err() {
                    return;
                }
            }
        });
    }
}
