//! Keeps where components begin and what they may leave out, by the names of the components.

use std::collections::{BTreeMap, BTreeSet};

use seriatim_core::{Begin, EventFilter, Log, SubscribeError};
use seriatim_runtime::Enrolled;

use crate::app_builder::{StartAppError, named};

/// The settings about the events that components get.
#[derive(Debug, Default)]
pub(crate) struct Beginnings {
    said: BTreeMap<String, Begin>,
    widened_from: BTreeMap<String, EventFilter>,
    process_managers: BTreeSet<&'static str>,
}

impl Beginnings {
    pub(crate) fn say(&mut self, component: &str, begin: Begin) {
        self.said.insert(component.into(), begin);
    }

    pub(crate) fn widened_from(&mut self, component: &str, former: EventFilter) {
        self.widened_from.insert(component.into(), former);
    }

    /// A process manager begins with its inputs. Its other components react to the events that come of these.
    pub(crate) fn process_manager(&mut self, name: &'static str) {
        self.process_managers.insert(name);
    }

    /// Applies the settings to the components. Fails with the first one that does not fit.
    pub(crate) async fn apply(
        mut self,
        components: &mut [Enrolled],
        log: &Log,
    ) -> Result<(), StartAppError> {
        for (name, begin) in std::mem::take(&mut self.said) {
            let Some(enrolled) = self.meant(&name, components) else {
                return Err(StartAppError::BeginForNobody { name });
            };
            if enrolled.reaction.read_model().is_some() {
                return Err(StartAppError::BeginOfReadModel { name });
            }
            enrolled.begin = begin;
            check(enrolled, log).await?;
        }
        for (name, former) in std::mem::take(&mut self.widened_from) {
            let Some(enrolled) = self.meant(&name, components) else {
                return Err(StartAppError::WidenedForNobody { name });
            };
            if enrolled.reaction.read_model().is_some() {
                return Err(StartAppError::WidenedReadModel { name });
            }
            enrolled.widened_from = Some(former);
        }
        Ok(())
    }

    fn meant<'all>(
        &self,
        name: &str,
        components: &'all mut [Enrolled],
    ) -> Option<&'all mut Enrolled> {
        match self.process_managers.contains(name) {
            true => named(&format!("{name}.inputs"), components),
            false => named(name, components),
        }
    }
}

/// Fails if the place is of another log, unless the component has begun already. A store that does not answer now is no
/// reason not to start: the place is looked for again when work is first taken.
async fn check(enrolled: &Enrolled, log: &Log) -> Result<(), StartAppError> {
    let component = enrolled.reaction.component();
    let begun = enrolled.reaction.checkpoints().begun(component).await;
    if !matches!(begun, Ok(None)) {
        return Ok(());
    }
    match log.locate(&enrolled.begin).await {
        Ok(_) => Ok(()),
        Err(SubscribeError::Store(error)) if error.kind.is_transient() => Ok(()),
        Err(source) => Err(StartAppError::Begin {
            component: component.clone(),
            source,
        }),
    }
}
