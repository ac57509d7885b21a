import csv

from apollo.search.report.table import trial_table, write_csv
from apollo.search.trial import Outcome, Trial

TRIALS = [
    Trial(0, 9, Outcome(False, 0.0, {"area_mm2": 9.5}, "area", "Too large."), {"lanes": 4}, 0.5),
    Trial(
        1,
        8,
        Outcome(True, 0.1 + 0.2, {"area_mm2": 3.0, "speedup": 2.0}),
        {"lanes": 8},
        0.25,
        "mbo#1",
    ),
]
COLUMNS = ["trial", "point", "lanes", "feasible", "reward", "area_mm2", "speedup"]
COLUMNS += ["resource", "reason", "seconds", "proposer"]


def test_a_row_a_trial_with_parameters_and_metrics_by_name():
    table = trial_table(TRIALS)
    assert list(table.columns) == COLUMNS
    assert table["lanes"].tolist() == [4, 8]
    assert table["area_mm2"].tolist() == [9.5, 3.0]
    assert table["speedup"].isna().tolist() == [True, False]
    assert table["reason"].isna().tolist() == [False, True]
    assert table["proposer"].isna().tolist() == [True, False]


def test_no_trials_is_a_table_without_rows():
    assert trial_table([]).empty


def test_csv_reads_back_to_the_same_bits(tmp_path):
    write_csv(TRIALS, tmp_path / "trials.csv")
    with (tmp_path / "trials.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == COLUMNS
    assert [float(row["reward"]) for row in rows] == [0.0, 0.1 + 0.2]
