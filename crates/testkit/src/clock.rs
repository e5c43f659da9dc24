//! A clock that jumps, as the tables of a store show it.

use std::fmt::Write;

/// The times of each table that the store compares with its clock or sets by it.
const TIMES: [(&str, &[&str]); 4] = [
    ("seriatim_log_head", &["recorded_at"]),
    ("seriatim_events", &["recorded_at"]),
    (
        "seriatim_checkpoints",
        &["leased_until", "asked_until", "moved_at"],
    ),
    (
        "seriatim_timers",
        &["due", "rings_at", "counts_from", "touched_at"],
    ),
];

/// Returns SQL that changes a storage as if its clock had jumped ahead by this number of seconds: all stored times are
/// moved back, or ahead if the number is negative. `prefix` is put before the name of each table.
pub fn jump(prefix: &str, seconds: i64) -> String {
    let by = seconds * 1_000_000;
    let mut sql = String::new();
    for (table, columns) in TIMES {
        let changes: Vec<_> = columns
            .iter()
            .map(|column| format!("{column} = {column} - ({by})"))
            .collect();
        writeln!(sql, "UPDATE {prefix}{table} SET {};", changes.join(", "))
            .expect("a string takes everything");
    }
    sql
}
