//! The README and the guide, compiled and run as documentation tests, so that they stay true.

macro_rules! pages {
    ($($name:ident = $file:literal;)*) => {$(
        #[doc = include_str!(concat!("../../../", $file))]
        mod $name {}
    )*};
}

pages! {
    readme = "README.md";
    first_aggregate = "docs/guide/1-a-first-aggregate.md";
    commands = "docs/guide/2-commands-and-expectations.md";
    merging = "docs/guide/3-merge-strategies.md";
    facts = "docs/guide/4-facts.md";
    changing_events = "docs/guide/6-changing-events.md";
    wire = "docs/guide/7-over-the-wire.md";
    running = "docs/guide/8-running-it.md";
    projectors = "docs/guide/9-projectors.md";
}

#[cfg(feature = "testkit")]
pages! {
    testing = "docs/guide/5-testing.md";
    sagas = "docs/guide/10-sagas.md";
    process_managers = "docs/guide/11-process-managers.md";
}

#[cfg(feature = "live")]
pages! {
    in_the_browser = "docs/guide/13-in-the-browser.md";
}

#[cfg(feature = "sqlite-read-models")]
pages! {
    read_models = "docs/guide/12-read-models.md";
}
