"""Sixty bad inputs, and the tests that prove what is due of each. Nothing is repaired silently."""

import ast
from functools import cache
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
READ, CLI, JOBS = "ledger/test_bad_inputs.py::", "cli/test_broken_inputs.py::", "jobs/"
FILES, ZONES = "ledger/test_bad_files.py::", "ledger/test_zoned_text.py::"
ROWS = f"{READ}test_rows_that_cannot_be_read"
LOGS = f"{CLI}test_broken_log_is_refused_in_one_sentence"
FITS = "processes/test_estimation.py::"
ASKS = "processes/test_identities.py::test_what_is_no_history_or_time_is_refused"
SAVED = f"{JOBS}saved_models/test_saved_model.py::TestDamage."
KEYS = f"{JOBS}job_file/test_configuration.py::"
RUNS = f"{JOBS}running/"
PLACES = "cli/test_usage.py::TestPlaces."

PROVED = {
    "1 missing id": [ROWS, f"{READ}test_the_same_from_text"],
    "2 missing or blank date": [ROWS, f"{READ}test_the_same_from_text"],
    "3 mixed date formats": [f"{READ}test_dates_written_in_another_way"],
    "4 ambiguous 03/02/2020": [
        f"{READ}test_dates_written_in_another_way",
        f"{READ}test_a_column_decides_how_its_dates_are_written",
    ],
    "5 time zones": [
        f"{READ}test_columns_that_are_no_dates",
        "ledger/test_windows.py::test_time_zones",
        f"{ZONES}test_times_with_and_without_a_zone_are_refused_with_counts",
        f"{ZONES}test_random_moments_fall_on_the_days_that_python_gives_them",
    ],
    "6 future date": [ROWS, f"{RUNS}test_run.py::test_rows_after_today_are_refused"],
    "7 cutoff before the first date": [f"{READ}test_cutoffs_that_the_log_does_not_reach", LOGS],
    "8 cutoff after the end, no holdout": [
        f"{READ}test_a_far_cutoff_is_warned_about_and_said",
        "ledger/test_windows.py::test_windows_past_the_cutoff_are_refused",
        "cli/test_usage.py::test_too_many_origins_end_with_3_and_say_how_many_fit",
    ],
    "9 cutoff a day, rows timestamped": [
        "ledger/test_windows.py::test_a_cutoff_holds_the_whole_of_its_day",
        "ledger/test_windows.py::test_actuals_hold_exactly_their_window",
    ],
    "10 negative amounts": [
        "ledger/test_policies.py::test_returns",
        "ledger/test_policies.py::test_returns_as_errors",
    ],
    "11 more refunds than purchases": [
        f"{READ}test_returns_and_nothing_else",
        "value/test_lifetime_value.py::test_refunds_above_purchases_stay_and_are_said",
    ],
    "12 zero amounts": [
        "models/btyd/test_btyd.py::test_zero_purchases_count_in_the_order_value",
        "ledger/test_policies.py::test_returns",
    ],
    "13 infinite amount": [ROWS],
    "14 missing amount": [ROWS],
    "15 amounts as text": [
        ROWS,
        f"{READ}test_the_same_from_text",
        "ledger/test_notations.py::test_what_does_not_fit_is_never_guessed",
    ],
    "16 repeated rows": [
        f"{READ}test_repeated_rows_are_kept_and_warned_about",
        "ledger/test_policies.py::test_a_key_drops_copies",
        "ledger/test_policies.py::test_lines_of_an_order_that_a_key_drops_are_warned_about",
    ],
    "17 one customer": [LOGS, f"{FITS}test_what_cannot_be_estimated_is_refused_by_name"],
    "18 no repeat buyers": [LOGS, f"{FITS}test_what_cannot_be_estimated_is_refused_by_name"],
    "19 all on one day": [
        LOGS,
        f"{FITS}test_what_cannot_be_estimated_is_refused_by_name",
        "ledger/test_audit_warnings.py::test_all_rows_on_one_day",
    ],
    "20 ids as floats": [
        f"{READ}test_columns_that_are_no_ids",
        f"{READ}test_ids_stay_as_they_are",
    ],
    "21 ids beyond 64 bits": [f"{READ}test_ids_stay_as_they_are"],
    "22 007 and 7": [f"{READ}test_ids_stay_as_they_are"],
    "23 ids NA, null and empty": [f"{READ}test_ids_stay_as_they_are", ROWS],
    "24 look-alike ids": [
        f"{READ}test_ids_that_look_alike_stay_apart_and_are_warned_about",
        "cli/test_wording.py::test_signs_that_do_harm_are_shown",
        "report/test_page.py::test_names_are_text_and_never_markup",
    ],
    "25 empty file, header alone": [
        f"{FILES}test_empty_files",
        f"{FILES}test_a_header_and_no_rows",
    ],
    "26 wrong delimiter": [f"{FILES}test_wrong_delimiter"],
    "27 ragged rows, stray quote": [
        f"{FILES}test_ragged_rows_and_stray_quotes",
        f"{FILES}test_quotes_inside_a_field_are_part_of_it",
    ],
    "28 truncated files": [f"{FILES}test_damaged_gzip", f"{FILES}test_damaged_parquet"],
    "29 gzip without its name": [f"{FILES}test_gzip_without_its_name_and_in_several_members"],
    "30 encodings, marks, NUL": [f"{FILES}test_encodings", f"{FILES}test_marks_and_line_ends"],
    "31 doubled columns": [f"{READ}test_doubled_names"],
    "32 missing column": [f"{READ}test_missing_columns"],
    "33 rows out of order, overlapping parts": [
        "ledger/test_reference.py::test_purchases_audit_and_order",
        "ledger/test_backends.py::test_many_rows_in_many_chunks_again_and_again",
        "ledger/test_policies.py::test_a_key_drops_copies",
        f"{RUNS}test_run.py::test_order_of_rows_changes_inputs_alone",
    ],
    "34 fractional frequency": [f"{FITS}test_bad_rows_are_refused_by_name"],
    "35 recency above T, negative T, recency without repeats": [
        f"{FITS}test_bad_rows_are_refused_by_name",
        f"{FITS}test_a_recency_without_a_repeat_purchase_is_refused",
    ],
    "36 repeats at age 0": [f"{FITS}test_bad_rows_are_refused_by_name"],
    "37 missing numbers in a summary": [f"{FITS}test_bad_rows_are_refused_by_name"],
    "38 lengths that differ": [f"{FITS}test_what_cannot_be_estimated_is_refused_by_name"],
    "39 negative or missing horizon": ["test_calendar.py::test_what_is_no_horizon", ASKS],
    "40 recency above T when asked": [ASKS],
    "41 forecast before fit": ["models/test_compliance.py::test_every_model_complies"],
    "42 months": [
        "test_calendar.py::test_months_by_hand",
        "test_calendar.py::test_a_year_is_twelve_months",
    ],
    "43 no amounts in a backtest": ["backtest/test_result.py::test_a_ledger_without_amounts"],
    "44 horizon far beyond the log": [
        "cli/test_usage.py::test_horizon_longer_than_the_log_is_warned_about",
        "backtest/checks/test_checks.py::test_far_extrapolation_counts_days",
    ],
    "45 mixed currencies": [
        f"{READ}test_amounts_in_several_currencies",
        "ledger/test_notations.py::"
        "test_two_currencies_are_refused_however_many_rows_may_be_dropped",
        "cli/test_money.py::test_a_log_of_two_currencies_is_not_added_up",
    ],
    "46 job file that is none": [
        f"{KEYS}test_each_wrong_key_is_told_by_its_path",
        f"{KEYS}test_what_is_no_toml_is_told_with_the_line",
        f"{KEYS}test_a_file_that_cannot_be_a_job_is_refused",
        f"{SAVED}test_a_key_that_is_there_twice",
        f"{SAVED}test_numbers_that_json_does_not_know",
    ],
    "47 paths out of the root": [
        f"{KEYS}test_each_wrong_key_is_told_by_its_path",
        f"{KEYS}test_links_out_of_the_root_are_refused",
        f"{JOBS}job_file/test_places.py::"
        "test_a_link_inside_the_root_is_followed_and_one_out_of_it_refused",
    ],
    "48 model file cut short, of another class": [
        f"{SAVED}test_cut_short",
        f"{SAVED}test_changed",
        f"{SAVED}test_another_class",
    ],
    "49 model of a newer version": [
        f"{SAVED}test_another_version",
        f"{RUNS}test_run.py::test_folder_of_a_newer_version_is_refused_with_both",
    ],
    "50 pickle bomb": [
        f"{SAVED}test_a_pickle_is_not_run",
        "test_promises.py::test_nothing_is_unpickled_or_evaluated",
    ],
    "51 parameters negative or missing": [f"{SAVED}test_parameters_that_are_none"],
    "52 ids that are formulas": [
        f"{JOBS}folders/test_saved_forecast.py::test_formulas_are_neutral_in_csv_and_raw_in_parquet",
        "cli/test_road.py::test_hostile_ids_are_harmless",
    ],
    "53 markup in ids and channels": [
        "report/test_page.py::test_names_are_text_and_never_markup",
        "report/test_monitoring_page.py::test_it_stands_alone_and_runs_nothing",
        "cli/test_road.py::test_hostile_ids_are_harmless",
    ],
    "54 column names that are SQL": [
        "ledger/test_files.py::test_names_that_would_be_commands",
        f"{JOBS}stores/test_reading.py::test_hostile_names_are_only_names",
        f"{JOBS}stores/test_writing.py::test_hostile_names_are_only_names",
        f"{JOBS}monitoring/test_run_history.py::test_names_cannot_break_out_of_sql",
        "test_promises.py::test_duckdb_reaches_the_files_named_and_nothing_else",
    ],
    "55 disk full": [
        f"{PLACES}test_disk_full",
        f"{RUNS}test_run.py::TestPlaces.test_disk_that_fills_up_leaves_the_last_run",
        f"{JOBS}saved_models/test_saved_model.py::test_a_full_disk_leaves_the_old_model",
    ],
    "56 two jobs, one output": [
        f"{RUNS}test_lock.py::test_the_living_are_named_and_never_robbed",
        f"{RUNS}test_faults.py::test_two_at_once",
    ],
    "57 killed in the middle": [
        f"{RUNS}test_faults.py::test_killed_at_every_commit_point",
        f"{RUNS}test_faults.py::test_killed_at_random_moments",
        f"{RUNS}test_lock.py::test_the_dead_are_reported_and_lose_theirs_only_when_asked",
    ],
    "58 outputs that cannot be": [
        f"{PLACES}test_existing_folder",
        f"{PLACES}test_no_permission",
        f"{PLACES}test_file_in_the_way",
        f"{RUNS}test_run.py::TestPlaces.test_place_that_cannot_be_made",
        f"{RUNS}test_run.py::TestPlaces.test_read_only",
    ],
    "59 words of the command line": [
        "cli/test_usage.py::test_wrong_words_end_with_2",
        "cli/test_money.py::test_what_makes_no_sense_is_one_sentence",
        "value/test_discounting.py::test_per_cent_and_nonsense_are_refused",
    ],
    "60 more than memory holds": [
        "ledger/test_limits.py::test_more_rows_than_a_machine_reads",
        "ledger/test_limits.py::test_wide_grouping_goes_to_disk_within_the_memory_allowed",
        "ledger/test_keeping.py::test_a_spilled_ledger_answers_alike",
    ],
}


@cache
def _tests_in(file: str) -> frozenset[str]:
    found = set()
    for node in ast.parse((TESTS / file).read_text("utf-8")).body:
        if isinstance(node, ast.ClassDef):
            inside = (each for each in node.body if isinstance(each, ast.FunctionDef))
            found |= {f"{node.name}.{each.name}" for each in inside}
        elif isinstance(node, ast.FunctionDef):
            found.add(node.name)
    return frozenset(found)


def test_all_sixty_are_there() -> None:
    assert [int(name.split()[0]) for name in PROVED] == list(range(1, 61))


@pytest.mark.parametrize("name", PROVED)
def test_what_is_named_is_a_test(name: str) -> None:
    assert PROVED[name]
    for test in PROVED[name]:
        file, _, function = test.partition("::")
        assert function.rpartition(".")[2].startswith("test_")
        assert function in _tests_in(file), test
