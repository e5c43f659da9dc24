//! `given_process(inputs).when(input).then(plan)`: a process manager, tested without a store or a clock.

use std::fmt::Write;

use seriatim_core::{
    Aggregate, Domain, Plan, Planned, Process, ProcessCommand, ProcessEvent, ProcessManager,
    Sequence, StreamId, TimerChange, Tree,
};
use uuid::Uuid;

use crate::reacting::{effect_lines, same_effects};
use crate::rejected::rejected;
use crate::round_trip::{self, Lost};
use crate::text;

/// Begins a test of an instance of a process manager that has taken `inputs`; everything that it planned for them is
/// done.
///
/// Every trigger and every plan that passes through the test is also encoded and decoded, and the state is stored as a
/// snapshot: a type that does not survive storage fails here, not in production.
///
/// ```
/// # use std::time::Duration;
/// # use seriatim_core::{Aggregate, DecodeError, EventFilter, Never, Plan, ProcessManager, RecordedEvent, Trigger};
/// # use seriatim_derive::{Command, Event};
/// # use serde::{Deserialize, Serialize};
/// # use uuid::Uuid;
/// # #[derive(Event, Serialize, Deserialize, Clone, Debug, PartialEq)]
/// # #[seriatim(crate = "seriatim_core")]
/// # enum OrderEvent { Cancelled }
/// # #[derive(Command, Serialize, Deserialize, Clone, Debug)]
/// # #[seriatim(crate = "seriatim_core")]
/// # enum OrderCommand { Cancel }
/// # #[derive(Default, Clone, PartialEq, Serialize, Deserialize)]
/// # struct Order;
/// # impl Aggregate for Order {
/// #     const DOMAIN: &'static str = "order";
/// #     type Command = OrderCommand;
/// #     type Event = OrderEvent;
/// #     type Rejection = Never;
/// #     fn decide(&self, _: &OrderCommand) -> Result<Vec<OrderEvent>, Never> { Ok(vec![OrderEvent::Cancelled]) }
/// #     fn evolve(&mut self, _: &OrderEvent) {}
/// # }
/// # #[derive(Event, Serialize, Deserialize, Clone, Debug, PartialEq)]
/// # #[seriatim(crate = "seriatim_core")]
/// # enum Input { Placed { order: Uuid }, Paid }
/// # #[derive(Default, Clone, Debug, PartialEq, Serialize, Deserialize)]
/// # struct Payment { order: Uuid }
/// # impl ProcessManager for Payment {
/// #     const NAME: &'static str = "payment";
/// #     type Input = Input;
/// #     fn filter() -> EventFilter { EventFilter::default() }
/// #     fn correlate(_: &RecordedEvent) -> Result<Option<(Uuid, Input)>, DecodeError> { Ok(None) }
/// #     fn decide(&self, trigger: &Trigger<Input>, plan: &mut Plan) {
/// #         match trigger {
/// #             Trigger::Input(Input::Placed { .. }) => plan.set_timer("unpaid", Duration::from_secs(1800)),
/// #             Trigger::Input(Input::Paid) => plan.finish(),
/// #             Trigger::Timer(_) => { plan.send::<Order>(self.order, &OrderCommand::Cancel); plan.finish(); }
/// #             Trigger::Rejected(_) => {}
/// #         }
/// #     }
/// #     fn evolve(&mut self, trigger: &Trigger<Input>) {
/// #         if let Trigger::Input(Input::Placed { order }) = trigger { self.order = *order; }
/// #     }
/// # }
/// use seriatim_testkit::given_process;
///
/// let order = Uuid::now_v7();
/// given_process::<Payment>([])
///     .when(Input::Placed { order })
///     .then(|plan| plan.set_timer("unpaid", Duration::from_secs(1800)))
///     .when_timer("unpaid")
///     .then(|plan| {
///         plan.send::<Order>(order, &OrderCommand::Cancel);
///         plan.finish();
///     })
///     .when(Input::Paid)
///     .then_dropped();
/// ```
#[track_caller]
pub fn given_process<P: ProcessManager>(
    inputs: impl IntoIterator<Item = P::Input>,
) -> GivenProcess<P> {
    let mut given = GivenProcess {
        history: Vec::new(),
        process: Process::default(),
    };
    for input in inputs {
        given = given.when(input).next();
    }
    given
}

/// A process with a history. See [`given_process`].
#[derive(Clone, Debug)]
pub struct GivenProcess<P: ProcessManager> {
    history: Vec<ProcessEvent<P>>,
    process: Process<P>,
}

impl<P: ProcessManager> GivenProcess<P> {
    /// Hands an input to the process.
    #[must_use = "nothing is tested before a `then`"]
    #[track_caller]
    pub fn when(self, input: P::Input) -> ThenPlanned<P> {
        let command = ProcessCommand::Take(input);
        let when = text::lines(&[&command]);
        self.must_survive(&when, round_trip::command(&command));
        self.ask(&command, when)
    }

    /// Lets a timer run out.
    ///
    /// # Panics
    /// Panics if it is not set, because nothing would happen.
    #[must_use = "nothing is tested before a `then`"]
    #[track_caller]
    pub fn when_timer(self, name: &str) -> ThenPlanned<P> {
        let set = |event: &ProcessEvent<P>| {
            let mut changes = event.planned.timers.iter();
            changes.any(|change| match change {
                TimerChange::Set { name: set, .. } | TimerChange::SetAt { name: set, .. } => {
                    set == name
                }
                TimerChange::Cancel { .. } => false,
            })
        };
        let set_at = self.history.iter().rposition(set);
        let is_set = self.process.timers().any(|set| set == name);
        let Some(set_at) = set_at.filter(|_| is_set) else {
            let timers: Vec<_> = self.process.timers().collect();
            panic!("the timer `{name}` is not set; {timers:?} are");
        };
        let command = ProcessCommand::Fire {
            timer: name.into(),
            set_at: Sequence(u32::try_from(set_at).expect("a test is not that long")),
        };
        self.ask(&command, vec![format!("the timer {name} runs out")])
    }

    /// Reports to the process that a command that it sent to an aggregate was rejected.
    #[must_use = "nothing is tested before a `then`"]
    #[track_caller]
    pub fn when_rejected<A: Aggregate>(
        self,
        root: Uuid,
        command: &A::Command,
        rejection: &A::Rejection,
    ) -> ThenPlanned<P> {
        let mut when = text::lines(&[command]);
        self.must_survive(&when, round_trip::command(command));
        let source = StreamId::new(Domain::of::<Process<P>>(), Uuid::nil());
        let source = (source, Sequence::FIRST);
        let effect = rejected::<A>(P::NAME, source, root, command, rejection);
        when.push(format!("(rejected by {}: {rejection})", effect.target));
        let events = self.process.on_rejected(&effect);
        ThenPlanned::new(self, when, events)
    }

    #[track_caller]
    fn ask(self, command: &ProcessCommand<P>, when: Vec<String>) -> ThenPlanned<P> {
        let Ok(events) = self.process.decide(command);
        ThenPlanned::new(self, when, events)
    }

    /// Fails the test if something was lost.
    #[track_caller]
    fn must_survive(&self, when: &[String], result: Result<(), Lost>) {
        if let Err(lost) = result {
            let evidence = lost.evidence.join("\n  ");
            panic!("{}\n\n{}\n  {evidence}", lost.what, self.story(when));
        }
    }

    fn story(&self, when: &[String]) -> String {
        let mut text = String::new();
        let triggers: Vec<_> = self.history.iter().map(|event| &event.trigger).collect();
        text::block(&mut text, "given", &text::lines(&triggers));
        text::block(&mut text, "when", when);
        text
    }
}

/// The decision of a process manager, to be compared with the expected one. Each `then` that fails shows both.
#[derive(Debug)]
pub struct ThenPlanned<P: ProcessManager> {
    given: GivenProcess<P>,
    when: Vec<String>,
    /// `None`: the trigger was dropped.
    event: Option<ProcessEvent<P>>,
    after: Process<P>,
}

impl<P: ProcessManager> ThenPlanned<P> {
    #[track_caller]
    fn new(given: GivenProcess<P>, when: Vec<String>, mut events: Vec<ProcessEvent<P>>) -> Self {
        let event = events.pop();
        let mut after = given.process.clone();
        if let Some(event) = &event {
            given.must_survive(&when, round_trip::event(event));
            after.evolve(event);
        }
        given.must_survive(&when, round_trip::state(&after));
        Self {
            given,
            when,
            event,
            after,
        }
    }

    /// Checks that it plans exactly what the function plans. When the process ends, its timers are cancelled anyway,
    /// and they are not compared.
    #[track_caller]
    pub fn then(self, expected: impl FnOnce(&mut Plan)) -> Self {
        let mut plan = Plan::default();
        expected(&mut plan);
        let mut expected = plan.into_planned();
        if let Some(why) = &expected.unusable {
            panic!("what is expected could not be recorded: {why}");
        }
        let Some(event) = &self.event else {
            self.fail("it is dropped, because the process has ended", &[]);
        };
        if expected.finished && event.planned.finished {
            expected.timers.clone_from(&event.planned.timers);
        }
        if same(&expected, &event.planned) {
            return self;
        }
        let diff = text::diff(&lines(&expected), &lines(&event.planned));
        self.fail("it plans something else (- expected, + actual)", &diff)
    }

    /// Checks that it plans nothing.
    #[track_caller]
    pub fn then_nothing(self) -> Self {
        self.then(|_| {})
    }

    /// Checks that the process had already ended and ignored the trigger.
    #[track_caller]
    pub fn then_dropped(self) -> Self {
        match &self.event {
            None => self,
            Some(event) => self.fail("it is not dropped", &lines(&event.planned)),
        }
    }

    /// Checks that `holds` is true of the state after it.
    #[track_caller]
    pub fn then_state_is(self, holds: impl FnOnce(&P) -> bool) -> Self {
        if holds(self.after.state()) {
            return self;
        }
        let state = match Tree::of(self.after.state()) {
            Ok(state) => text::json(&state),
            Err(error) => vec![format!("a state that has no JSON: {error}")],
        };
        self.fail("the state after it is not as expected", &state)
    }

    /// Goes on with an input. See [`GivenProcess::when`].
    #[must_use = "nothing is tested before a `then`"]
    #[track_caller]
    pub fn when(self, input: P::Input) -> Self {
        self.next().when(input)
    }

    /// Goes on with a timer. See [`GivenProcess::when_timer`].
    #[must_use = "nothing is tested before a `then`"]
    #[track_caller]
    pub fn when_timer(self, name: &str) -> Self {
        self.next().when_timer(name)
    }

    /// Goes on with a rejection. See [`GivenProcess::when_rejected`].
    #[must_use = "nothing is tested before a `then`"]
    #[track_caller]
    pub fn when_rejected<A: Aggregate>(
        self,
        root: Uuid,
        command: &A::Command,
        rejection: &A::Rejection,
    ) -> Self {
        self.next().when_rejected::<A>(root, command, rejection)
    }

    fn next(self) -> GivenProcess<P> {
        let mut history = self.given.history;
        history.extend(self.event);
        GivenProcess {
            history,
            process: self.after,
        }
    }

    #[track_caller]
    fn fail(&self, failure: &str, then: &[String]) -> ! {
        let mut text = self.given.story(&self.when);
        text::block(&mut text, "then", then);
        let mut message = String::new();
        write!(message, "{failure}\n\n{text}").expect("a string takes everything");
        panic!("{message}")
    }
}

/// Returns whether two plans are the same, whatever the order in their JSON.
fn same(one: &Planned, other: &Planned) -> bool {
    same_effects(&one.effects, &other.effects)
        && one.timers == other.timers
        && one.finished == other.finished
}

/// A plan, one action on each line.
fn lines(planned: &Planned) -> Vec<String> {
    let timers = planned.timers.iter().map(|change| match change {
        TimerChange::Set { name, after } => format!("set the timer {name} to {after:?}"),
        TimerChange::SetAt { name, at } => format!("set the timer {name} for {at}"),
        TimerChange::Cancel { name } => format!("cancel the timer {name}"),
    });
    let finish = planned.finished.then(|| "finish".into());
    let mut lines = effect_lines(&planned.effects);
    lines.extend(timers.chain(finish));
    lines
}
