//! Gives stored events today's shape, by domain: the form that the upcasts and aliases of a program give to them.

use std::collections::BTreeMap;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use crate::panic_message;
use crate::{Aggregate, Domain, EventFilter, Message, Payload, RecordedEvent};

/// The shapes of the events that a program knows. Cheap to clone.
///
/// An event of an unknown domain stays as it is stored, and so does one of a type that its domain does not know.
#[derive(Clone, Default)]
pub struct Shapes(Arc<BTreeMap<Domain, Shape>>);

#[derive(Clone, Copy)]
struct Shape {
    upcast: fn(Payload) -> Payload,
    types: &'static [&'static str],
    aliases: &'static [(&'static str, &'static str)],
    upcast_command: fn(Payload) -> Payload,
    command_aliases: &'static [(&'static str, &'static str)],
}

impl Shapes {
    /// Adds the shape of an aggregate's events: [`Aggregate::upcast`], and the aliases of [`Aggregate::Event`].
    #[must_use]
    pub fn with<A: Aggregate>(mut self) -> Self {
        let shape = Shape {
            upcast: A::upcast,
            types: A::Event::TYPE_NAMES,
            aliases: A::Event::ALIASES,
            upcast_command: A::upcast_command,
            command_aliases: A::Command::ALIASES,
        };
        Arc::make_mut(&mut self.0).insert(Domain::of::<A>(), shape);
        self
    }

    /// Brings stored events into today's shape. If an upcast panics, the event gets a payload that reports it, see
    /// [`Payload::unreadable`].
    pub fn apply<'e>(&self, events: impl IntoIterator<Item = &'e mut RecordedEvent>) {
        if self.0.is_empty() {
            return;
        }
        for event in events {
            if let Some(shape) = self.0.get(&event.stream.domain) {
                shape.apply(&mut event.payload);
            }
        }
    }

    /// Does what [`apply`](Self::apply) does, for payloads of events of one domain.
    pub fn apply_in<'p>(
        &self,
        domain: &Domain,
        payloads: impl IntoIterator<Item = &'p mut Payload>,
    ) {
        if let Some(shape) = self.0.get(domain) {
            payloads
                .into_iter()
                .for_each(|payload| shape.apply(payload));
        }
    }

    /// Brings stored commands of one domain into today's shape, for people. A command on which
    /// [`Aggregate::upcast_command`] panics stays as it is stored.
    pub fn apply_to_commands(&self, domain: &Domain, commands: &mut [Payload]) {
        let Some(shape) = self.0.get(domain) else {
            return;
        };
        for command in commands {
            let stored = command.clone();
            if let Ok(today) = catch_unwind(AssertUnwindSafe(|| (shape.upcast_command)(stored))) {
                *command = today;
            }
            rename(command, shape.command_aliases);
        }
    }

    /// Returns the filter with today's names added to former ones. A filter that was written before a type was renamed
    /// therefore lets the same events through.
    #[must_use]
    pub fn rename(&self, mut filter: EventFilter) -> EventFilter {
        let todays: Vec<_> = filter
            .types
            .iter()
            .flat_map(|name| self.today(&filter, name))
            .collect();
        filter.types.extend(todays.into_iter().map(str::to_owned));
        filter
    }

    /// Returns a name in a filter that no type has any more, with the name that the type has today.
    pub fn former_name<'f>(&self, filter: &'f EventFilter) -> Option<(&'f str, &'static str)> {
        let in_use = |name: &str| {
            self.concerned(filter)
                .any(|shape| shape.types.contains(&name))
        };
        let mut former = filter.types.iter().filter(|name| !in_use(name));
        former.find_map(|name| Some((name.as_str(), self.today(filter, name).next()?)))
    }

    fn today<'s>(
        &'s self,
        filter: &'s EventFilter,
        name: &'s str,
    ) -> impl Iterator<Item = &'static str> + 's {
        self.concerned(filter)
            .filter_map(move |shape| today(name, shape.aliases))
    }

    /// Returns the shapes of the domains that a filter is about.
    fn concerned<'s>(&'s self, filter: &'s EventFilter) -> impl Iterator<Item = &'s Shape> {
        let is_concerned =
            |domain: &Domain| filter.domains.is_empty() || filter.domains.contains(domain);
        let all = self
            .0
            .iter()
            .filter(move |(domain, _)| is_concerned(domain));
        all.map(|(_, shape)| shape)
    }
}

impl Shape {
    fn apply(&self, payload: &mut Payload) {
        let stored = std::mem::replace(payload, Payload::nothing());
        let name = stored.type_name.clone();
        // A half-made payload is thrown away, so no reader sees it.
        *payload = match catch_unwind(AssertUnwindSafe(|| (self.upcast)(stored))) {
            Ok(today) => today,
            Err(panic) => {
                let message = panic_message(&*panic);
                Payload::unreadable(format!("the upcast of `{name}` panicked: {message}"))
            }
        };
        rename(payload, self.aliases);
    }
}

type Aliases = [(&'static str, &'static str)];

fn rename(payload: &mut Payload, aliases: &Aliases) {
    if let Some(today) = today(&payload.type_name, aliases) {
        payload.type_name = today.into();
    }
}

/// Returns today's name of a type, if this is a former one.
fn today(name: &str, aliases: &Aliases) -> Option<&'static str> {
    let mut aliases = aliases.iter();
    aliases.find_map(|(former, today)| (*former == name).then_some(*today))
}

impl fmt::Debug for Shapes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}
