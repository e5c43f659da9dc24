//! Where components are to begin, by their names.

use std::collections::{BTreeMap, BTreeSet};

use seriatim_core::{Begin, Log};
use seriatim_runtime::Enrolled;

use crate::app_builder::{StartAppError, named};

/// What was said of components that nobody has run yet.
#[derive(Debug, Default)]
pub(crate) struct Beginnings {
    said: BTreeMap<String, Begin>,
    process_managers: BTreeSet<&'static str>,
}

impl Beginnings {
    pub(crate) fn say(&mut self, component: &str, begin: Begin) {
        self.said.insert(component.into(), begin);
    }

    /// A process manager begins with what it is told of. Its other components react to what has come of that.
    pub(crate) fn process_manager(&mut self, name: &'static str) {
        self.process_managers.insert(name);
    }

    /// Tells the components, and refuses what none of them can do.
    pub(crate) async fn apply(
        self,
        components: &mut [Enrolled],
        log: &Log,
    ) -> Result<(), StartAppError> {
        for (name, begin) in self.said {
            let told = match self.process_managers.contains(&*name) {
                true => format!("{name}.inputs"),
                false => name.clone(),
            };
            let Some(enrolled) = named(&told, components) else {
                return Err(StartAppError::BeginForNobody { name });
            };
            if enrolled.reaction.read_model().is_some() {
                return Err(StartAppError::BeginOfReadModel { name });
            }
            enrolled.begin = begin;
            check(enrolled, log).await?;
        }
        Ok(())
    }
}

/// A place of another log is refused, unless it does not matter any more.
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
