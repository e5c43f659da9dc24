//! The servers that a URL names: one server, or several of which one at a time takes writes.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use sqlx::postgres::PgConnectOptions;

/// The options by which each server is reached. Clones share which server was found last.
#[derive(Clone)]
pub(crate) struct Servers {
    all: Arc<[PgConnectOptions]>,
    found: Arc<AtomicUsize>,
}

impl Servers {
    pub(crate) fn new(all: Vec<PgConnectOptions>) -> Self {
        assert!(!all.is_empty(), "a URL names at least one server");
        Self {
            all: all.into(),
            found: Arc::default(),
        }
    }

    pub(crate) fn are_several(&self) -> bool {
        self.all.len() > 1
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &PgConnectOptions> {
        self.all.iter()
    }

    /// Returns the server that took writes at the last connection; before the first connection, the first server.
    pub(crate) fn last_found(&self) -> &PgConnectOptions {
        &self.all[self.found.load(Ordering::Relaxed)]
    }

    /// Returns each server once, beginning with the one that was found last. Otherwise every new connection would wait
    /// for a server that is gone for good.
    pub(crate) fn in_turn(&self) -> impl Iterator<Item = (usize, &PgConnectOptions)> {
        let (before, from) = self.all.split_at(self.found.load(Ordering::Relaxed));
        (before.len()..).zip(from).chain((0..).zip(before))
    }

    /// Notes that the server with this number takes writes.
    pub(crate) fn found(&self, number: usize) {
        self.found.store(number, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_one_found_last_comes_first() {
        let options = |port| PgConnectOptions::new_without_pgpass().port(port);
        let servers = Servers::new(vec![options(1), options(2), options(3)]);
        let order = |servers: &Servers| -> Vec<_> {
            let ports = servers.in_turn();
            ports
                .map(|(number, host)| (number, host.get_port()))
                .collect()
        };
        assert_eq!(order(&servers), [(0, 1), (1, 2), (2, 3)]);
        servers.clone().found(1);
        assert_eq!(order(&servers), [(1, 2), (2, 3), (0, 1)]);
        assert_eq!(servers.last_found().get_port(), 2);
    }
}
