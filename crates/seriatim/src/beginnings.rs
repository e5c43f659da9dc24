//! Where components begin, and what they may leave out, by their names.

use std::collections::{BTreeMap, BTreeSet};

use seriatim_core::{Begin, EventFilter, Log};
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

/// Fails if the place is of another log, unless the component has begun already.
async fn check(enrolled: &Enrolled, log: &Log) -> Result<(), StartAppError> {
    let component = enrolled.reaction.component();
    let begun = enrolled.reaction.checkpoints().begun(component).await;
    if matches!(begun, Ok(None))
        && let Err(source) = log.locate(&enrolled.begin).await
    {
        let component = component.clone();
        return Err(StartAppError::Begin { component, source });
    }
    Ok(())
}
