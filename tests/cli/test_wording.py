"""Messages in the words of the command line."""

import pytest

from forecast.cli.wording import printable, worded


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("key=[...] or key=()", "--key COLUMN or --no-key"),
        ("Ask for origins=4 or a shorter step.", "Ask for --origins 4 or a shorter step."),
        ("Mend them, max_bad_rows=2.", "Mend them, --max-bad-rows 2."),
        ("Say which: customer=...", "Say which: --customer ..."),
        ("models: none given", "--models: none given"),
        ("Did you mean delimiter=';'?", "Did you mean --delimiter ';'?"),
        # values from the data stay as they are
        ("First: 'date=2022-01-01', 'key=3'.", "First: 'date=2022-01-01', 'key=3'."),
        ("my_date=3 and a.date=3", "my_date=3 and a.date=3"),
        ("the date: soon", "the date: soon"),
    ],
)
def test_settings_become_options(given: str, said: str) -> None:
    assert worded(given) == said


def test_signs_that_do_harm_are_shown() -> None:
    assert printable("\x1b]0;title\x07") == "\\x1b]0;title\\x07"
    assert printable("a\u202eb\udc80") == "a\\u202eb\\udc80"
    assert printable("Zoë\n客") == "Zoë\n客"
