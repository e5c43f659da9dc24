//! Damage done by hand to what effects left behind, on SQLite and on PostgreSQL: each kind is found, and named.

mod begun;
mod damage;
mod desk;
mod elsewhere;
mod excused;
mod processes;
mod restored;
mod stage;
