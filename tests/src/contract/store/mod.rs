//! The contract of [`spillway::ports::Store`].
//!
//! `store_contract!(open)` makes a test of each case; `open()` gives a future of [`Stores`] that are empty.

pub mod accounts;
pub mod candidates;
pub mod catalogue;
pub mod chunks;
pub mod claims;
pub mod concurrency;
pub mod edits;
pub mod exports;
pub mod files;
pub mod fixtures;
pub mod incidents;
pub mod lists;
pub mod model;
pub mod notes;
pub mod repeats;
pub mod run_order;
pub mod runs;
pub mod starts;
pub mod tenancy;

use std::{any::Any, sync::Arc};

use spillway::ports::Store;

/// Two handles onto the same data. Cases write through one and read through the other.
pub struct Stores {
    /// One handle.
    pub one: Arc<dyn Store>,
    /// The same, or another onto the same data.
    pub two: Arc<dyn Store>,
    /// What must live as long as the data, a temporary folder for example.
    pub keep: Box<dyn Any + Send + Sync>,
}

/// Makes a test of every case of the contract.
#[macro_export]
macro_rules! store_contract {
    ($open:ident) => {
        $crate::store_contract! { $open;
            accounts::settings_are_created_and_replaced,
            accounts::an_account_may_have_any_number,
            accounts::settings_are_replaced_where_they_are_as_expected,
            accounts::accounts_are_listed_by_number,
            accounts::buckets_are_created_replaced_and_ordered_by_nickname,
            accounts::a_blocked_bucket_keeps_its_first_since,
            accounts::a_failure_under_another_key_blocks_nothing,
            accounts::unknown_buckets_are_not_found,
            candidates::a_candidate_is_kept_for_a_quarter_of_an_hour,
            candidates::a_candidate_becomes_a_bucket_once,
            candidates::a_nickname_that_was_taken_meanwhile_is_not_overwritten,
            candidates::another_key_unblocks_its_bucket,
            candidates::a_key_is_not_replaced_where_the_bucket_has_changed,
            candidates::one_of_many_candidates_gets_the_nickname,
            candidates::a_bucket_in_use_stays,
            candidates::a_bucket_of_a_run_that_may_be_retried_stays,
            exports::a_new_export_is_pending_under_the_second_of_now,
            exports::a_taken_second_gives_the_next_free_one,
            exports::a_one_time_export_comes_with_its_run,
            accounts::buckets_are_found_by_their_name_at_google,
            exports::request_ids_are_unique_in_a_bucket_across_accounts,
            exports::a_bucket_that_is_renamed_takes_its_request_ids_along,
            exports::an_export_needs_its_bucket,
            exports::stopping_closes_what_is_owed_and_leaves_what_runs,
            exports::stopping_what_has_ended_changes_nothing,
            lists::exports_are_listed_newest_first,
            lists::exports_are_filtered_by_any_combination,
            lists::exported_on_means_a_run_on_that_day_of_the_account,
            lists::pages_are_stable_while_exports_are_created,
            lists::the_flow_of_profiles_is_one,
            lists::exports_are_due_across_accounts_longest_first,
            edits::an_edit_counts_from_the_next_run_on,
            edits::an_edit_may_move_the_next_run,
            edits::an_edit_of_what_has_changed_or_ended_is_a_conflict,
            edits::what_was_moved_meanwhile_is_not_stopped_for_its_old_bucket,
            edits::an_edit_takes_the_request_id_in_another_bucket,
            edits::one_of_many_editors_is_first,
            runs::creating_a_run_advances_the_export,
            runs::a_run_is_created_at_the_expected_cut_only,
            runs::no_run_of_an_export_that_has_ended,
            runs::a_one_time_run_has_the_request_id,
            runs::opening_adopts_the_plan_and_freezes_the_spec,
            runs::opening_refuses_what_is_not_owed,
            runs::closing_moves_a_recurring_export_on,
            runs::closing_ends_a_one_time_export,
            runs::closing_again_changes_nothing,
            runs::closing_leaves_a_stopped_export_stopped,
            runs::only_incomplete_runs_open_again,
            runs::a_run_that_was_never_planned_is_owed_again,
            runs::a_plan_whose_chunks_were_swept_is_not_adopted,
            runs::open_runs_of_an_export_come_oldest_first,
            run_order::runs_of_an_export_come_oldest_first,
            run_order::taken_seconds_are_passed_over,
            run_order::a_clock_that_goes_back_does_not_change_the_order,
            run_order::the_oldest_open_run_opens_first,
            run_order::open_runs_of_all_accounts_come_oldest_first,
            run_order::a_run_that_is_opened_again_leaves_later_ones_alone,
            chunks::chunks_are_created_once,
            chunks::thousands_of_chunks_are_added_and_paged,
            chunks::pages_are_stable_while_chunks_change_and_split,
            chunks::a_completion_stores_the_successor_with_it,
            chunks::only_the_lease_token_changes_a_leased_chunk,
            chunks::an_expired_lease_is_nobodys,
            chunks::intents_are_kept_over_leases,
            chunks::a_chunk_whose_workers_die_fails,
            chunks::an_abandoned_lease_counts,
            chunks::the_tally_counts_expired_leases_as_ready,
            chunks::sweeping_leaves_the_plan_only,
            chunks::unknown_chunks_and_runs_are_not_found,
            claims::messages_come_in_order,
            claims::several_messages_are_taken_at_once,
            claims::fifty_chunks_are_enough_for_one_claim,
            claims::a_message_has_up_to_fifty_chunks,
            claims::what_was_lost_is_claimed_again,
            claims::what_was_published_before_the_clock_went_back_is_lost,
            claims::leased_and_finished_chunks_are_not_claimed,
            claims::a_retried_chunk_is_claimed_again,
            claims::a_successor_waits_for_its_message,
            claims::no_more_messages_are_out_than_may_be,
            notes::columns_are_appended_in_order,
            notes::lists_of_columns_do_not_mix,
            notes::scanned_keys_are_kept,
            notes::ratios_are_merged,
            notes::notes_of_profiles_files_are_kept,
            notes::lists_of_profiles_files_are_kept_with_their_plan,
            repeats::a_key_names_what_it_created_for_a_day,
            repeats::a_creation_that_fails_keeps_no_key,
            repeats::keys_are_their_accounts_own,
            repeats::one_of_many_creators_under_a_key_creates,
            files::what_is_written_is_added_up_and_paged_by_name,
            files::runs_are_paged_newest_first,
            incidents::blocked_buckets_are_found_across_accounts,
            incidents::an_incident_is_kept_with_what_is_told,
            incidents::one_of_many_checkers_moves_an_incident_on,
            incidents::what_was_changed_meanwhile_keeps_no_notice,
            incidents::open_incidents_of_all_accounts_are_found,
            incidents::a_notice_is_created_once,
            incidents::notices_are_claimed_oldest_first_and_once,
            incidents::notices_are_settled_by_whoever_holds_them,
            incidents::a_notice_that_waits_for_another_is_found_behind_it,
            incidents::a_clock_that_went_back_holds_no_notice_up,
            incidents::notices_and_mailings_are_their_accounts_own,
            starts::a_stopped_export_goes_on_behind_what_it_had_begun,
            starts::what_was_not_closed_yet_is_gone_on_with,
            starts::a_stopped_export_without_runs_goes_on_at_its_last_cut,
            starts::what_is_incomplete_stays_so_and_may_be_retried,
            starts::runs_are_counted_by_status,
            starts::a_moved_successor_takes_the_numbers_of_what_it_follows,
            starts::a_run_of_a_stopped_export_is_opened_anew_where_it_is_finished,
            starts::a_one_time_export_goes_on_itself,
            starts::a_one_time_export_does_not_go_on_without_its_bucket,
            starts::only_what_was_stopped_by_failure_goes_on,
            starts::an_export_is_started_again_once,
            starts::a_plan_is_given_up_once,
            starts::what_runs_came_to_is_remembered,
            catalogue::a_catalogue_grows_from_mark_to_mark,
            catalogue::what_is_recent_is_replaced,
            catalogue::one_of_many_keepers_adds,
            catalogue::a_catalogue_is_its_accounts_own,
            tenancy::nothing_is_found_across_accounts,
            tenancy::nothing_is_changed_across_accounts,
            concurrency::fifty_creators_get_fifty_request_ids,
            concurrency::one_of_many_ticks_creates_the_run,
            concurrency::claimers_never_get_the_same_chunk,
            concurrency::claimers_never_get_more_messages_than_may_be_out,
            concurrency::claimers_of_several_messages_never_get_more_than_may_be_out,
            concurrency::one_of_many_leases_is_given,
            concurrency::one_of_many_closers_closes,
            concurrency::columns_found_at_once_are_all_kept,
            concurrency::dropped_calls_are_done_wholly_or_not_at_all,
        }
        mod model {
            #[test]
            fn the_chunk_protocol_follows_its_model() {
                $crate::contract::store::model::the_chunk_protocol_follows_its_model(super::$open);
            }
        }
    };
    ($open:ident; $($group:ident :: $case:ident),* $(,)?) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $case() {
                $crate::contract::store::$group::$case($open().await).await;
            }
        )*
    };
}
