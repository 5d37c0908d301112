"""The job file: each wrong key is told by its path, all at once, and no secret is repeated."""

import os
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from forecast.errors import FileError, UsageError
from forecast.jobs.job_file.configuration import Job, Source, parse_job, read_job

SOUND = """
name = "weekly"
cutoff = "last complete week"
[source]
path = "orders.csv"
[columns]
customer = "id"
date = "day"
value = "amount"
customer_columns = ["channel"]
[forecast]
horizons = ["26W"]
[backtest]
horizon = "13W"
[economics]
margin = 0.4
spend = "spend.csv"
[segments]
[outputs]
folder = "out/{cutoff}"
[outputs.destination]
database = "sqlite"
file = "predictions.sqlite"
table = "predictions"
[monitoring]
history = "history.duckdb"
"""


def changed(old: str, new: str) -> str:
    assert SOUND.count(old) == 1, old
    return SOUND.replace(old, new)


def refusal(text: str, root: Path) -> str:
    with pytest.raises(UsageError) as caught:
        parse_job(text, root=root)
    return str(caught.value)


def test_a_sound_file_is_read_with_its_defaults(tmp_path: Path) -> None:
    (tmp_path / "weekly.toml").write_text(SOUND)
    job = read_job(tmp_path / "weekly.toml")
    assert job.name == "weekly"
    assert job.root == tmp_path
    assert job.source.path == str(tmp_path / "orders.csv")
    assert job.columns.key is None
    assert job.forecast.horizons == ("26W",)
    assert (job.forecast.model, job.forecast.draws, job.forecast.seed) == ("ensemble", 500, 0)
    assert job.outputs.folder == tmp_path / "out" / "{cutoff}"
    assert job.folder(date(2026, 11, 15)) == tmp_path / "out" / "2026-11-15"
    assert job.monitoring is not None
    assert job.monitoring.history == tmp_path / "history.duckdb"


def test_the_file_names_the_job_where_it_says_nothing(tmp_path: Path) -> None:
    (tmp_path / "nightly.toml").write_text(changed('name = "weekly"', ""), encoding="utf-8-sig")
    assert read_job(tmp_path / "nightly.toml").name == "nightly"


def test_settings_are_json_and_do_not_tell_where_the_root_is(tmp_path: Path) -> None:
    job = parse_job(SOUND, root=tmp_path)
    assert str(tmp_path) not in str(job.settings())
    assert job.settings()["source"]["path"] == "orders.csv"
    assert job.settings()["outputs"]["folder"] == "out/{cutoff}"
    elsewhere = tmp_path / "a[1]"
    elsewhere.mkdir()
    assert parse_job(SOUND, root=elsewhere).settings() == job.settings()
    text = changed("orders.csv", "orders/*.parquet")
    assert parse_job(text, root=elsewhere).settings()["source"]["path"] == "orders/*.parquet"


def test_a_job_cannot_be_changed(tmp_path: Path) -> None:
    job = parse_job(SOUND, root=tmp_path)
    with pytest.raises(ValueError, match="frozen"):
        job.name = "other"


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('name = "weekly"', "name = 7", "name: 7 must be text in quotes"),
        ('name = "weekly"', 'name = ""', "name: must be a name"),
        ('name = "weekly"', 'nam = "weekly"', "nam: is not a known key. Did you mean 'name'?"),
        ('name = "weekly"', 'horizons = ["26W"]', "Did you mean 'forecast.horizons'?"),
        ('"last complete week"', '"last week"', 'cutoff: must be a day, 2026-11-15'),
        ('"last complete week"', "2026-11-15T00:00:00", "cutoff: must be a day"),
        ('"last complete week"', "0", "cutoff: must be a day"),
        ('path = "orders.csv"', "path = 3", "source.path: must be a path in quotes"),
        ('path = "orders.csv"', 'path = ""', "source.path: must be a path"),
        ('path = "orders.csv"', 'path = "a\\u0000b"', "source.path: must be a path"),
        ('path = "orders.csv"', 'path = "../x.csv"', "--root"),
        ('path = "orders.csv"', 'path = "/etc/passwd"', "source.path: '/etc/passwd' leads out"),
        ('path = "orders.csv"', 'path = "*/../../x.csv"', "source.path: "),
        ('path = "orders.csv"', 'path = "orders.csv"\nreturns = "net "', "source.returns: 'net '"),
        ('path = "orders.csv"', 'path = "orders.csv"\ntimezone = "Mars/North"', "'Mars/North'"),
        ('path = "orders.csv"', 'path = "orders.csv"\ndate_format = "%m"', "source.date_format"),
        ('path = "orders.csv"', 'path = "orders.csv"\ndelimiter = "ab"', "source.delimiter: 'ab'"),
        ('path = "orders.csv"', 'path = "orders.csv"\nencoding = "x"', "source.encoding: 'x'"),
        ('path = "orders.csv"', 'path = "orders.csv"\ncurrency = " x"', "source.currency: ' x'"),
        ('path = "orders.csv"', 'path = "orders.csv"\ncurrency = 978', "source.currency: 978"),
        ('path = "orders.csv"', 'path = "orders.csv"\ndecimal = ";"', "source.decimal: ';'"),
        ('path = "orders.csv"', 'path = "orders.csv"\nthousands = "."', "source.thousands: "),
        ('path = "orders.csv"', 'path = "orders.csv"\nmax_bad_rows = -1', "source.max_bad_rows"),
        ('path = "orders.csv"', 'path = "orders.csv"\ntable = "t"', "source.table: has no meaning"),
        ('path = "orders.csv"', "", "source.path: give either a path or a database"),
        ('path = "orders.csv"', 'database = "duckdb"', "source.table: is missing"),
        ('path = "orders.csv"', 'database = "oracle"', "source.database: 'oracle' must be"),
        (
            'path = "orders.csv"',
            'database = "postgresql"\ntable = "t"\nfile = "x"\nurl_env = "U"',
            "source.file: has no meaning",
        ),
        ('customer = "id"', "", "columns.customer: is missing"),
        ('customer = "id"', 'custmer = "id"', "Did you mean 'columns.customer'?"),
        ('customer_columns = ["channel"]', "customer_columns = 3", "columns.customer_columns: 3"),
        ('customer_columns = ["channel"]', "customer_columns = [3]", "customer_columns[0]: 3"),
        ('customer_columns = ["channel"]', "", 'lacks "channel", which economics.by names'),
        ('value = "amount"', "", "columns.value: is missing"),
        ('horizons = ["26W"]', "horizons = 26", "forecast.horizons: 26 must be a list"),
        ('horizons = ["26W"]', "horizons = [26]", "forecast.horizons[0]: 26 is not a length"),
        ('horizons = ["26W"]', 'horizons = ["26W", "x"]', "forecast.horizons[1]: is not a length"),
        ('horizons = ["26W"]', "horizons = []", "forecast.horizons: must name one"),
        ('horizons = ["26W"]', 'horizons = ["26W", "26w"]', "forecast.horizons: names a horizon"),
        ('horizons = ["26W"]', 'horizons = ["26W"]\nmodel = "ensembl"', "Did you mean 'ensemble'?"),
        ('horizons = ["26W"]', 'horizons = ["26W"]\nseed = -1', "forecast.seed: -1 must be"),
        ('horizons = ["26W"]', 'horizons = ["26W"]\nseed = 1.0', "forecast.seed: 1.0 must be"),
        ('horizons = ["26W"]', 'horizons = ["26W"]\nseed = true', "forecast.seed: true must be"),
        ('horizons = ["26W"]', 'horizons = ["26W"]\ndraws = 1', "forecast.draws: 1 must be 0"),
        ('horizons = ["26W"]', 'horizons = ["26W"]\ndraws = 1e999', "forecast.draws: inf"),
        ('horizons = ["26W"]', 'horizons = ["26W"]\nevery = "2027-01-01"', "forecast.every: is a"),
        (
            'horizons = ["26W"]',
            'horizons = ["26W"]\nmodel = "btyd"\nsaved_model = "model.json"',
            "forecast.model: is not asked",
        ),
        ('horizon = "13W"', "", "backtest.horizon: is missing"),
        ('horizon = "13W"', "horizon = 13", "backtest.horizon: 13 is not a length"),
        ('horizon = "13W"', 'horizon = "13W"\norigins = 0', "backtest.origins: 0 must be"),
        ('horizon = "13W"', 'horizon = "13W"\nmodels = ["x"]', "backtest.models[0]: no model 'x'"),
        ("margin = 0.4", "margin = 40", "economics.margin: must be a share"),
        ("margin = 0.4", 'margin = "40%"', "economics.margin: must be a share"),
        ("margin = 0.4", 'margin = "profit"', "columns.purchase_columns: lacks"),
        ("margin = 0.4", "margin = nan", "economics.margin: must be a share"),
        ("margin = 0.4", 'margin = 0.4\nrate = "10%"', "economics.rate: must be a share a year"),
        ("margin = 0.4", "margin = 0.4\nrate = 10", "economics.rate: must be a share a year"),
        ("margin = 0.4", "margin = 0.4\nrate = 1.0", "write 0.1 for 10 %"),
        ("margin = 0.4", "margin = 0.4\nrate = -0.1", "economics.rate: "),
        ("margin = 0.4", "margin = 0.4\nper_order = nan", "economics.per_order: nan must be a fin"),
        ("margin = 0.4", "margin = 0.4\nper_order = -1e999", "economics.per_order: -inf must be"),
        ('spend = "spend.csv"', 'spend = "../spend.csv"', "economics.spend: '../spend.csv' leads"),
        ("[segments]", "segments = 3\n[segment]", "segment"),
        ('"out/{cutoff}"', '"out/{day}"', "outputs.folder: must be a folder"),
        ('"out/{cutoff}"', '"."', "outputs.folder: is the root itself"),
        ('"out/{cutoff}"', '"../out"', "outputs.folder: '../out' leads out"),
        ('"out/{cutoff}"', '"orders.csv/out"', "outputs.folder: lies in what source.path reads"),
        ('"out/{cutoff}"', '"out"\nreport = 1', "outputs.report: 1 must be true or false"),
        ('"out/{cutoff}"', '"out"\npart_rows = 0', "outputs.part_rows: 0 must be"),
        (
            'database = "sqlite"\nfile = "predictions.sqlite"\ntable = "predictions"',
            'path = "orders.csv"',
            "outputs.destination.path: lies in what source.path reads",
        ),
        (
            'database = "sqlite"\nfile = "predictions.sqlite"\ntable = "predictions"',
            'path = "out/{cutoff}/p.parquet"',
            "outputs.destination.path: lies in outputs.folder",
        ),
        ('"predictions.sqlite"', '"out/{cutoff}/p.sqlite"', "outputs.destination.file: lies in"),
        ('"history.duckdb"', '"history.duckdb"\nmax_bias = "20%"', "written 0.1 for \"10%\""),
        ('"history.duckdb"', '"history.duckdb"\nmax_bias = 20', "monitoring.max_bias: 20 must be"),
        ('"history.duckdb"', '"history.duckdb"\nmax_psi = inf', "monitoring.max_psi: inf must be"),
        ('"history.duckdb"', '"h"\nstale_days = 0x' + "f" * 9000, "monitoring.stale_days: must be"),
    ],
)  # fmt: skip
def test_each_wrong_key_is_told_by_its_path(old: str, new: str, said: str, tmp_path: Path) -> None:
    assert said in refusal(changed(old, new), tmp_path)


def test_all_that_is_wrong_is_told_at_once(tmp_path: Path) -> None:
    text = changed('"26W"', "26").replace("0.4", "4").replace('"id"', "1").replace("segm", "sigm")
    said = refusal(text, tmp_path)
    assert said.startswith("the job: 4 keys are wrong.\n")
    for key in ("columns.customer: ", "forecast.horizons[0]: ", "economics.margin: ", "sigments: "):
        assert f"\n  {key}" in said


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is empty"),
        (" \n", "is empty"),
        ("name = 'a'\nname = 'b'\n[x]", "line 2"),
        ("[source]\n[source]", "line 2"),
        ("name = ", "line 1"),
        ("name = !!python/object:os.system", "line 1"),
        ("a = " + "[" * 50_000, "is no TOML"),
        ("a = " + "9" * 5_000, "is no TOML"),
    ],
)
def test_what_is_no_toml_is_told_with_the_line(text: str, said: str, tmp_path: Path) -> None:
    assert said in refusal(text, tmp_path)


@pytest.mark.parametrize(
    ("write", "error"),
    [
        (lambda path: None, FileError),
        (lambda path: path.mkdir(), FileError),
        (lambda path: os.mkfifo(path), FileError),
        (lambda path: path.write_bytes(b'name = "\xff"'), UsageError),
        (lambda path: path.write_bytes(b"#" * 1_000_001), UsageError),
    ],
)
def test_a_file_that_cannot_be_a_job_is_refused(
    write: Callable[[Path], Any], error: type[Exception], tmp_path: Path
) -> None:
    path = tmp_path / "job.toml"
    write(path)
    with pytest.raises(error, match=r"job\.toml"):
        read_job(path)


def test_a_root_that_is_no_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "job.toml").write_text(SOUND)
    with pytest.raises(UsageError, match="root: "):
        read_job(tmp_path / "job.toml", root=tmp_path / "missing")


def test_a_wider_root_lets_a_job_read_beside_its_folder(tmp_path: Path) -> None:
    (tmp_path / "jobs").mkdir()
    (tmp_path / "jobs" / "job.toml").write_text(SOUND)
    assert read_job(tmp_path / "jobs" / "job.toml", root=tmp_path).source.path == str(
        tmp_path / "orders.csv"
    )


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('path = "orders.csv"', 'path = "s3://key:geheim@bucket/orders"'),
        ('path = "orders.csv"', 'path = "https://h/o.csv?sig=geheim"'),
        ('path = "orders.csv"', 'path = "orders.csv"\npassword = "geheim"'),
        ('path = "orders.csv"', 'database = "postgresql://u:geheim@h/db"'),
        (
            'path = "orders.csv"',
            'database = "postgresql"\ntable = "t"\nurl_env = "postgresql://u:geheim@h/db"',
        ),
        (
            'path = "orders.csv"',
            'database = "postgresql"\ntable = "t"\nurl = "postgresql://u:geheim@h/db"',
        ),
        ('"sqlite"', '"host=h password=geheim"'),
    ],
)
def test_a_secret_in_the_file_is_refused_and_not_repeated(
    old: str, new: str, tmp_path: Path
) -> None:
    said = refusal(changed(old, new), tmp_path)
    assert "geheim" not in said
    assert "url_env" in said or "database" in said


def test_links_out_of_the_root_are_refused(tmp_path: Path) -> None:
    root = tmp_path / "root"
    root.mkdir()
    (tmp_path / "secret.csv").write_text("id,day\n")
    (root / "orders.csv").symlink_to(tmp_path / "secret.csv")
    assert "source.path: 'orders.csv' leads out" in refusal(SOUND, root)
    (root / "orders.csv").unlink()
    (root / "out").symlink_to(tmp_path)
    assert "outputs.folder: 'out/{cutoff}' leads out" in refusal(SOUND, root)


@pytest.mark.parametrize(
    ("rule", "today", "wanted"),
    [
        ('"today"', date(2026, 11, 22), date(2026, 11, 22)),
        ('"yesterday"', date(2026, 3, 1), date(2026, 2, 28)),
        ('"last complete week"', date(2026, 11, 22), date(2026, 11, 15)),  # a Sunday
        ('"last complete week"', date(2026, 11, 23), date(2026, 11, 22)),  # a Monday
        ('"last complete week"', date(2026, 11, 28), date(2026, 11, 22)),  # a Saturday
        ('"last complete week"', date(2024, 3, 1), date(2024, 2, 25)),
        ('"last complete month"', date(2024, 3, 1), date(2024, 2, 29)),
        ('"last complete month"', date(2026, 1, 31), date(2025, 12, 31)),
        ("2026-11-15", date(2026, 11, 22), date(2026, 11, 15)),
        ('"2026-11-15"', date(2026, 11, 22), date(2026, 11, 15)),
    ],
)
def test_cutoffs_by_rule(rule: str, today: date, wanted: date, tmp_path: Path) -> None:
    job = parse_job(changed('"last complete week"', rule), root=tmp_path)
    assert job.resolve_cutoff(today) == wanted


def test_a_cutoff_left_out_or_in_the_future(tmp_path: Path) -> None:
    job = parse_job(changed('cutoff = "last complete week"', ""), root=tmp_path)
    assert job.resolve_cutoff(date(2026, 11, 22)) is None
    job = parse_job(changed('"last complete week"', "2026-11-23"), root=tmp_path)
    with pytest.raises(UsageError, match=r"cutoff: 2026-11-23 lies in the future"):
        job.resolve_cutoff(date(2026, 11, 22))


def test_today_is_the_day_it_is_where_the_shop_is(tmp_path: Path) -> None:
    zones = ("Pacific/Kiritimati", "Pacific/Pago_Pago")  # 25 hours apart
    ahead, behind = (
        parse_job(changed('"orders.csv"', f'"orders.csv"\ntimezone = "{zone}"'), root=tmp_path)
        for zone in zones
    )
    assert ahead.today() > behind.today()


def test_models_can_be_made_in_python_too() -> None:
    assert Source(path="orders.csv").path == "orders.csv"
    assert isinstance(Job.model_json_schema(), dict)
