//! The signals that are shown now. It has no clock: it is told the time.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::{Duration, Instant};

use seriatim_core::StreamId;

use super::{HERE, Shown};

/// The users that a frame names. More are counted.
const NAMED: usize = 200;
/// The longest time that a signal may last.
pub(crate) const LONGEST: Duration = Duration::from_secs(30);
/// The time that a user who is here stays in the table of other processes if this one dies.
const HERE_LASTS: Duration = Duration::from_secs(5);

/// The signals of this process and of others.
#[derive(Debug, Default)]
pub(super) struct Table {
    streams: HashMap<StreamId, HashMap<String, User>>,
    others: HashMap<StreamId, HashMap<(String, String), Instant>>,
    changed: HashSet<StreamId>,
}

#[derive(Debug, Default)]
struct User {
    /// The connections that have joined.
    connections: usize,
    signals: BTreeMap<String, Instant>,
}

/// The signals of a stream by user, and how many users there are besides.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Present {
    pub(super) users: BTreeMap<String, Vec<String>>,
    pub(super) more: usize,
}

impl Table {
    pub(super) fn enter(&mut self, stream: &StreamId, user: &str) {
        self.user(stream, user).connections += 1;
        self.changed.insert(stream.clone());
    }

    pub(super) fn leave(&mut self, stream: &StreamId, user: &str) {
        let known = self.user(stream, user);
        known.connections = known.connections.saturating_sub(1);
        if known.connections == 0 {
            self.forget(stream, user);
        }
        self.changed.insert(stream.clone());
    }

    pub(super) fn show(&mut self, stream: &StreamId, user: &str, signal: &str, until: Instant) {
        let shown = (self.user(stream, user).signals).insert(signal.to_owned(), until);
        if shown.is_none() {
            self.changed.insert(stream.clone());
        }
    }

    /// Takes a signal back.
    pub(super) fn hide(&mut self, stream: &StreamId, user: &str, signal: &str) {
        if self.user(stream, user).signals.remove(signal).is_some() {
            self.changed.insert(stream.clone());
        }
    }

    fn user(&mut self, stream: &StreamId, user: &str) -> &mut User {
        let users = self.streams.entry(stream.clone()).or_default();
        users.entry(user.to_owned()).or_default()
    }

    fn forget(&mut self, stream: &StreamId, user: &str) {
        if let Some(users) = self.streams.get_mut(stream) {
            users.remove(user);
            if users.is_empty() {
                self.streams.remove(stream);
            }
        }
    }

    /// Replaces what other processes show.
    pub(super) fn set_others(&mut self, shown: Vec<Shown>, now: Instant) {
        let mut others: HashMap<StreamId, HashMap<_, _>> = HashMap::new();
        for Shown {
            stream,
            user,
            signal,
            lasts,
        } in shown
        {
            let of_stream = others.entry(stream).or_default();
            of_stream.insert((user, signal), now + lasts.min(LONGEST));
        }
        let before = std::mem::replace(&mut self.others, others);
        for stream in before.keys().chain(self.others.keys()) {
            let keys = |all: &HashMap<StreamId, HashMap<_, Instant>>| {
                let of_stream = all.get(stream);
                of_stream.map(|shown| shown.keys().cloned().collect::<HashSet<(String, String)>>())
            };
            if keys(&before) != keys(&self.others) {
                self.changed.insert(stream.clone());
            }
        }
    }

    /// Forgets what has run out.
    pub(super) fn expire(&mut self, now: Instant) {
        for (stream, users) in &mut self.streams {
            for user in users.values_mut() {
                let before = user.signals.len();
                user.signals.retain(|_, until| *until > now);
                if user.signals.len() < before {
                    self.changed.insert(stream.clone());
                }
            }
        }
        for (stream, shown) in &mut self.others {
            let before = shown.len();
            shown.retain(|_, until| *until > now);
            if shown.len() < before {
                self.changed.insert(stream.clone());
            }
        }
        self.others.retain(|_, shown| !shown.is_empty());
    }

    /// Returns the streams whose signals have changed since the last call.
    pub(super) fn take_changed(&mut self) -> HashSet<StreamId> {
        std::mem::take(&mut self.changed)
    }

    /// Returns what this process shows.
    pub(super) fn ours(&self, now: Instant) -> Vec<Shown> {
        let mut ours = Vec::new();
        for (stream, users) in &self.streams {
            for (user, known) in users {
                let mut add = |signal: &str, lasts| {
                    ours.push(Shown {
                        stream: stream.clone(),
                        user: user.clone(),
                        signal: signal.to_owned(),
                        lasts,
                    });
                };
                if known.connections > 0 {
                    add(HERE, HERE_LASTS);
                }
                for (signal, until) in &known.signals {
                    add(signal, until.saturating_duration_since(now));
                }
            }
        }
        ours
    }

    /// Returns the signals on a stream.
    pub(super) fn present(&self, stream: &StreamId) -> Present {
        let mut users: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (user, known) in self.streams.get(stream).into_iter().flatten() {
            let here = (known.connections > 0).then_some(HERE);
            let signals = known.signals.keys().map(String::as_str);
            let signals = here.into_iter().chain(signals).map(str::to_owned);
            users.entry(user.clone()).or_default().extend(signals);
        }
        for (user, signal) in self.others.get(stream).into_iter().flat_map(HashMap::keys) {
            let signals = users.entry(user.clone()).or_default();
            if !signals.contains(signal) {
                signals.push(signal.clone());
            }
        }
        for signals in users.values_mut() {
            signals.sort();
        }
        let more = users.len().saturating_sub(NAMED);
        if let Some(first_left_out) = users.keys().nth(NAMED).cloned() {
            users.split_off(&first_left_out);
        }
        Present { users, more }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stream() -> StreamId {
        "room/00000000-0000-0000-0000-000000000001".parse().unwrap()
    }

    fn signals(table: &Table, user: &str) -> Vec<String> {
        let mut present = table.present(&stream()).users;
        present.remove(user).unwrap_or_default()
    }

    #[test]
    fn a_user_is_here_until_the_last_connection_leaves() {
        let mut table = Table::default();
        table.enter(&stream(), "ann");
        table.enter(&stream(), "ann");
        table.leave(&stream(), "ann");
        assert_eq!(signals(&table, "ann"), [HERE]);
        table.leave(&stream(), "ann");
        assert_eq!(table.present(&stream()), Present::default());
        assert!(table.streams.is_empty());
    }

    #[test]
    fn a_signal_runs_out_by_itself_and_is_a_change_once() {
        let (mut table, now) = (Table::default(), Instant::now());
        let second = Duration::from_secs(1);
        table.enter(&stream(), "ann");
        table.show(&stream(), "ann", "typing", now + second);
        assert_eq!(table.take_changed().len(), 1);
        table.show(&stream(), "ann", "typing", now + 2 * second);
        table.expire(now + second);
        assert_eq!(table.take_changed().len(), 0);
        assert_eq!(signals(&table, "ann"), [HERE, "typing"]);
        table.expire(now + 2 * second);
        assert_eq!(table.take_changed().len(), 1);
        assert_eq!(signals(&table, "ann"), [HERE]);
    }

    #[test]
    fn what_others_show_is_added_and_runs_out_if_they_say_nothing_more() {
        let (mut table, now) = (Table::default(), Instant::now());
        let theirs = |signal: &str| Shown {
            stream: stream(),
            user: "bob".into(),
            signal: signal.into(),
            lasts: HERE_LASTS,
        };
        table.set_others(vec![theirs(HERE), theirs("typing")], now);
        assert_eq!(table.take_changed().len(), 1);
        assert_eq!(signals(&table, "bob"), [HERE, "typing"]);
        // They are not told back as ours.
        assert_eq!(table.ours(now), []);
        table.set_others(vec![theirs(HERE)], now);
        assert_eq!(table.take_changed().len(), 1);
        table.set_others(vec![theirs(HERE)], now);
        assert_eq!(table.take_changed().len(), 0);
        table.expire(now + HERE_LASTS);
        assert_eq!(table.take_changed().len(), 1);
        assert_eq!(table.present(&stream()), Present::default());
    }

    #[test]
    fn a_frame_names_only_so_many() {
        let mut table = Table::default();
        for user in 0..NAMED + 7 {
            table.enter(&stream(), &format!("user {user:04}"));
        }
        let present = table.present(&stream());
        assert_eq!((present.users.len(), present.more), (NAMED, 7));
    }
}
