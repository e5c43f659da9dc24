//! The conformance suite for stores: one function for each rule, over two handles to one storage.
//!
//! A store runs the whole suite with one line in its tests:
//!
//! ```ignore
//! seriatim_testkit::store_conformance!(async {
//!     let folder = tempfile::tempdir().unwrap();
//!     let path = folder.path().join("exam.db");
//!     let open = || async { Arc::new(MyStore::open(&path).await.unwrap()) };
//!     (open().await, open().await, folder)
//! });
//! ```
//!
//! The block returns two handles to one new, empty storage, whose log has one partition. What follows them is kept
//! until the test of the rule ends. A store that can have several partitions also runs the rules about them:
//!
//! ```ignore
//! mod with_four_partitions {
//!     seriatim_testkit::partitions_conformance!(super::open("partitions=4"));
//! }
//! ```
//!
//! A store whose clock can be changed by a test also runs [`clock_conformance`](crate::clock_conformance).

mod annotations;
mod append;
mod assignments;
mod beginnings;
mod checkpoints;
mod claims;
mod clocks;
mod letters;
mod parking;
mod closed_letters;
mod partitions;
mod races;
mod reading;
mod samples;
mod scopes;
mod snapshots;
mod timers;
mod together;
mod waiting;

pub use annotations::*;
pub use append::*;
pub use assignments::*;
pub use beginnings::*;
pub use checkpoints::*;
pub use claims::*;
pub use clocks::*;
pub use closed_letters::*;
pub use letters::*;
pub use parking::*;
pub use partitions::*;
pub use races::*;
pub use reading::*;
pub use samples::{
    Handle, append, append_with_key, assert_log_is_sound, event, event_ids, events, new_stream,
};
pub use scopes::*;
pub use snapshots::*;
pub use timers::*;
pub use together::*;
pub use waiting::*;

/// Runs a rule on a runtime with several threads, so that what it starts at once runs at once.
#[doc(hidden)]
pub fn run(rule: impl Future<Output = ()>) {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(4)
        .enable_all()
        .build()
        .expect("a runtime starts")
        .block_on(rule);
}

/// Makes one test of each rule for a store whose log has one partition; see the [module](crate::conformance).
#[macro_export]
macro_rules! store_conformance {
    ($open:expr) => {
        $crate::store_conformance! { rules ($open)
            sequences_are_dense_from_zero
            positions_are_dense_from_one
            a_flush_changes_nothing
            the_answer_names_place_and_time_of_the_last_event
            a_refused_append_leaves_no_trace
            an_append_behind_the_current_sequence_conflicts
            an_append_beyond_the_current_sequence_conflicts
            an_append_after_an_event_of_a_missing_stream_conflicts
            an_append_after_another_event_conflicts
            one_conflict_leaves_the_rest_of_the_batch_alone
            appends_of_one_batch_form_a_chain
            a_chain_ends_where_one_of_it_is_refused
            a_chain_ends_where_an_external_id_was_spent
            a_refused_append_without_events_ends_no_chain
            only_events_take_positions
            an_append_without_events_checks_the_sequence
            an_empty_batch_is_no_error
            a_batch_of_a_thousand_appends
            an_append_of_a_thousand_events
            a_dropped_append_is_written_whole_or_not_at_all

            the_first_to_claim_wins_and_the_second_learns_its_result
            two_keys_are_spent_together_or_not_at_all
            one_of_many_spends_two_keys
            a_claim_is_looked_at_before_the_sequence
            a_claim_can_stand_for_no_events
            a_claim_can_stand_for_a_rejection
            a_rejection_checks_the_sequence
            a_claim_for_no_events_checks_the_sequence
            a_claim_can_stand_for_a_letter
            one_external_id_on_two_streams_is_two_claims
            similar_external_ids_are_different_claims
            a_claim_made_twice_in_one_batch_is_spent_once
            claims_are_listed_in_order
            claims_are_listed_in_pages

            a_stream_is_read_in_ranges
            a_missing_stream_is_empty
            the_log_is_read_in_pages
            a_log_has_an_identity
            loading_gives_payloads_up_to_a_sequence
            streams_are_listed_in_order
            streams_are_listed_in_pages_and_by_domain
            one_root_in_two_domains_is_two_streams
            payloads_read_back_as_they_were_written
            large_payloads_read_back
            metadata_reads_back_as_it_was_written
            absurd_times_of_senders_read_back

            loading_begins_with_the_newest_snapshot
            loading_without_snapshots_gives_all_events
            a_snapshot_past_the_wanted_event_is_not_used_but_an_older_one_is
            a_snapshot_of_another_type_is_not_given
            a_snapshot_of_a_missing_event_is_never_given
            the_newest_two_snapshots_are_kept
            states_as_far_back_as_merges_look_are_near_a_snapshot
            a_snapshot_of_another_event_is_never_given
            what_is_loaded_names_its_last_event
            an_older_snapshot_displaces_no_newer_one
            a_snapshot_can_be_replaced

            a_letter_is_written_with_its_claim
            a_letter_is_written_whatever_is_current
            a_letter_appended_again_is_kept_once
            letters_read_back_as_they_were_written
            letters_are_listed_oldest_first
            letters_are_filtered
            a_letter_is_revised_by_one_of_two

            annotations_are_added_one_after_another
            of_simultaneous_annotations_none_is_lost
            letters_are_listed_by_who_looks_after_them
            waiting_commands_are_counted_by_their_faults
        }
        $crate::partitions_conformance!($open);
        $crate::checkpoint_conformance!($open);
        $crate::timer_conformance!($open);
    };
    (rules ($open:expr) $($rule:ident)*) => {
        $(
            #[test]
            fn $rule() {
                $crate::conformance::run(async {
                    let opened = $open.await;
                    let (a, b): ($crate::conformance::Handle, $crate::conformance::Handle) =
                        (opened.0.clone(), opened.1.clone());
                    $crate::conformance::$rule(&a, &b).await;
                });
            }
        )*
    };
}

/// Makes one test of each rule that holds for a log with any number of partitions.
#[macro_export]
macro_rules! partitions_conformance {
    ($open:expr) => {
        $crate::store_conformance! { rules ($open)
            handles_agree_on_the_partitions
            a_partition_is_read_in_pages
            a_partition_that_the_log_does_not_have_is_a_mistake
            each_partition_counts_on_its_own
            a_conflict_in_one_partition_leaves_the_others_alone
            letters_and_claims_are_of_their_streams_partition

            several_streams_are_written_together
            of_several_streams_all_or_none_is_written
            a_guard_is_only_compared
            a_chain_holds_over_several_streams
            of_writers_that_guard_each_others_streams_one_wins
            streams_that_cannot_be_written_together_are_a_mistake

            what_is_there_is_not_waited_for
            a_commit_wakes_those_who_wait
            many_can_wait
            a_dropped_waiter_harms_nobody
            no_event_is_missed_between_reading_and_waiting

            of_simultaneous_writers_one_wins
            of_staggered_writers_the_first_wins
            of_simultaneous_creators_one_wins
            of_simultaneous_claims_one_wins
            concurrent_writers_leave_no_gaps
            what_was_acknowledged_is_there_for_the_next_read
            a_reader_never_sees_half_an_append
        }
    };
}

#[cfg(test)]
mod tests {
    /// A rule that is written but not listed would never be run.
    #[test]
    fn every_rule_is_listed() {
        let areas = [
            include_str!("annotations.rs"),
            include_str!("append.rs"),
            include_str!("assignments.rs"),
            include_str!("beginnings.rs"),
            include_str!("checkpoints.rs"),
            include_str!("claims.rs"),
            include_str!("clocks.rs"),
            include_str!("closed_letters.rs"),
            include_str!("letters.rs"),
            include_str!("parking.rs"),
            include_str!("partitions.rs"),
            include_str!("races.rs"),
            include_str!("reading.rs"),
            include_str!("snapshots.rs"),
            include_str!("timers.rs"),
            include_str!("together.rs"),
            include_str!("waiting.rs"),
        ];
        let lists = [
            include_str!("mod.rs"),
            include_str!("checkpoints.rs"),
            include_str!("clocks.rs"),
            include_str!("timers.rs"),
            include_str!("together.rs"),
        ];
        let lines = lists.iter().flat_map(|list| list.lines());
        let listed: Vec<_> = lines.map(str::trim).collect();
        for area in areas {
            let starts = area
                .lines()
                .filter_map(|line| line.strip_prefix("pub async fn "));
            for rule in starts.filter_map(|rest| rest.split('(').next()) {
                assert!(listed.contains(&rule), "{rule} is in none of the macros");
            }
        }
    }
}
