"""Paths stay below the root; results are never read as purchases."""

import glob
from pathlib import Path

import pytest

from forecast.errors import UsageError
from forecast.jobs.job_file.places import overlaps, place, place_of_pattern, shown


def test_paths_are_resolved_below_the_root(tmp_path: Path) -> None:
    assert place("a/../b", tmp_path) == tmp_path / "b"
    assert place(tmp_path / "b", tmp_path) == tmp_path / "b"
    for outside in ("..", "../b", "a/../../b", "/", "/etc", f"{tmp_path}2"):
        with pytest.raises(UsageError, match="leads out"):
            place(outside, tmp_path)
    for broken in ("a\0b", "x" * 5_000):
        with pytest.raises(UsageError):
            place(broken, tmp_path)


def test_a_link_inside_the_root_is_followed_and_one_out_of_it_refused(tmp_path: Path) -> None:
    root = tmp_path / "root"
    (root / "real").mkdir(parents=True)
    (root / "in").symlink_to(root / "real")
    (root / "out").symlink_to(tmp_path)
    assert place("in/x", root) == root / "real" / "x"
    assert place_of_pattern("in/*.csv", root) == str(root / "real" / "*.csv")
    for outside in ("out/x", "out/*.csv"):
        with pytest.raises(UsageError, match="leads out"):
            place_of_pattern(outside, root)


def test_patterns_keep_their_signs_and_the_root_its_own(tmp_path: Path) -> None:
    root = tmp_path / "a[1]"
    root.mkdir()
    (root / "x1.csv").write_text("")
    (root / "real[2].csv").write_text("")
    found = place_of_pattern("x[0-9].csv", root)
    assert [Path(each) for each in glob.glob(found)] == [root / "x1.csv"]
    assert shown(found, root) == "x[0-9].csv"
    assert place_of_pattern("real[2].csv", root) == str(root / "real[2].csv")
    assert shown(root, root) == "."
    with pytest.raises(UsageError, match="goes up again"):
        place_of_pattern("*/../x.csv", root)


@pytest.mark.parametrize(
    ("source", "folder", "inside"),
    [
        ("orders", "orders/out", True),
        ("orders", "out", False),
        ("orders", "orders2", False),
        ("orders.csv", "out", False),
        ("*.csv", "out", False),
        ("*", "out", True),
        ("*", "a/out", True),
        ("**/*.parquet", "out", True),
        ("*/*.parquet", "out", True),
        ("orders/*.parquet", "orders/out", False),
        ("orders/*", "orders/out", True),
        ("orders/*.parquet", "orders/predictions.parquet", True),
        (".", "out", True),
    ],
)
def test_results_that_would_be_read_are_found(
    source: str, folder: str, inside: bool, tmp_path: Path
) -> None:
    (tmp_path / "orders").mkdir()
    (tmp_path / "orders.csv").write_text("")
    read = place_of_pattern(source, tmp_path)
    assert overlaps(read, place(folder, tmp_path), tmp_path) is inside
