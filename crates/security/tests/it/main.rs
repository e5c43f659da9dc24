//! Tests who callers are, as a server and its operators see it.

mod configs;
mod principals;
mod reload;
