import csv
import re
from pathlib import Path

import pandas as pd
import pytest

from apollo.search.report.table import format_of, trial_table, write_csv, write_parquet
from apollo.search.trial import Outcome, Trial
from tests.stored import row, trials

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
    write_csv(trial_table(TRIALS), tmp_path / "trials.csv")
    with (tmp_path / "trials.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == COLUMNS
    assert [float(row["reward"]) for row in rows] == [0.0, 0.1 + 0.2]


def test_several_objectives_have_columns_of_their_own():
    log = trials(40, goals=2)
    table = trial_table(log, row("s", objectives=["speedup", "area"]))
    feasible = table[table["feasible"]]
    assert feasible["objective.speedup"].tolist() == feasible["speedup"].tolist()
    assert feasible["objective.area"].tolist() == [t.objectives[1] for t in log if t.feasible]
    assert table["objective.area"].isna().tolist() == [not trial.feasible for trial in log]
    assert not any(name.startswith("objective.") for name in trial_table(log, row("s")).columns)


@pytest.mark.parametrize("log", [TRIALS, [], trials(40)])
def test_parquet_reads_back_to_the_same_table_and_its_study(tmp_path, log):
    table = trial_table(log, row("s", seed=7))
    write_parquet(table, tmp_path / "trials.parquet")
    read = pd.read_parquet(tmp_path / "trials.parquet")
    pd.testing.assert_frame_equal(read, table)
    assert read.attrs == table.attrs
    assert (read.attrs["study"], read.attrs["seed"]) == ("s", 7)
    assert read.attrs["constraints"] == ["area_mm2 <= 6.8"]


def test_the_name_says_the_format():
    assert format_of(Path("a.PARQUET")) is write_parquet
    sentence = "The file's name must end with .csv or .parquet, not 'a.xlsx'."
    with pytest.raises(ValueError, match=f"^{re.escape(sentence)}$"):
        format_of(Path("a.xlsx"))
