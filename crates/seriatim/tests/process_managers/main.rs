//! Process managers of an application: every step is taken once, every timer fires once, and what is rejected comes back.

#[cfg(feature = "postgres")]
mod calendar;
mod chimes;
mod fulfilment;
mod killed;
mod quiet;
mod shop;
mod stage;
mod steps;
#[path = "../support/storage.rs"]
mod storage;
mod stuck;
mod timers;
mod told;
mod trouble;
mod vigil;
