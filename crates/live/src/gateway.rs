//! What all connections share.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use seriatim_coordinator::Coordinator;
use seriatim_core::{Domain, Log};
use seriatim_security::{Access, Principal, Verb, authorise};
use tokio::sync::watch;

use crate::connections::Connections;
use crate::outbox::Ticket;
use crate::presence::Keeper;
use crate::rooms::Rooms;
use crate::settings::LiveSettings;
use crate::users::Users;

pub(crate) struct Gateway {
    pub(crate) coordinator: Coordinator,
    pub(crate) access: Access,
    pub(crate) rooms: Arc<Rooms>,
    pub(crate) presence: Keeper,
    pub(crate) users: Arc<Users>,
    pub(crate) settings: LiveSettings,
    /// Origins of pages that may connect, besides the server's own.
    pub(crate) origins: Vec<String>,
    pub(crate) connections: Arc<Connections>,
    pub(crate) closing: watch::Receiver<bool>,
    pub(crate) tickets: AtomicU64,
}

impl Gateway {
    pub(crate) fn log(&self) -> &Log {
        self.coordinator.log()
    }

    /// Returns whether it ends: nobody may connect any more.
    pub(crate) fn is_closing(&self) -> bool {
        *self.closing.borrow()
    }

    pub(crate) fn ticket(&self) -> Ticket {
        Ticket(self.tickets.fetch_add(1, Ordering::Relaxed))
    }

    /// Returns whether a principal may follow streams of a domain, as far as its rights go.
    pub(crate) fn may_follow(&self, principal: &Principal, domain: &Domain) -> bool {
        let may = |verb| authorise(principal, verb, Some(domain)).is_ok();
        self.rooms.kind(domain).is_some() && may(Verb::Read) && may(Verb::Subscribe)
    }

    /// Returns whether a principal may send commands to streams of a domain, as far as its rights go.
    pub(crate) fn may_send(&self, principal: &Principal, domain: &Domain) -> bool {
        let may = authorise(principal, Verb::Submit, Some(domain)).is_ok();
        may && self.rooms.kind(domain).is_some()
    }
}
