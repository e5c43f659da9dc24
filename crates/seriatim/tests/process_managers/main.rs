//! Process managers of an application: every step is taken once, every timer fires once, and what is rejected comes back.

mod fulfilment;
mod quiet;
mod shop;
mod stage;
mod steps;
mod timers;
mod trouble;
