"""The command ``ltv`` itself: what it says when asked for nothing, or for what it has not."""

import difflib
from typing import Annotated

from cyclopts import App, Parameter

from forecast import __version__
from forecast.cli.screen import screen
from forecast.errors import UsageError

__all__ = ["COMMANDS", "app"]

COMMANDS = (
    "audit", "forecast", "backtest", "value", "segments", "scenario", "report", "init", "run",
    "verify", "monitor", "doctor",
)  # fmt: skip

app = App(
    name="ltv",
    version=f"ltv-forecast {__version__}",
    help="Customer lifetime value from a log of purchases, proved on time the model has not seen.\n"
    "\nExample: `ltv forecast orders.csv --horizon 26W --out forecast`",
    help_format="markdown",
    result_action="return_value",
    suppress_keyboard_interrupt=False,
    default_parameter=Parameter(negative=()),
)


@app.default
def _welcome(*words: Annotated[str, Parameter(show=False)]) -> None:
    if words:
        near = difflib.get_close_matches(words[0], COMMANDS, n=1)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        raise UsageError(f"No command {words[0]!r}.{hint} Commands: {', '.join(COMMANDS)}.")
    screen.print(
        "[bold]ltv[/bold] forecasts customer lifetime value from a log of purchases.\n\n"
        "  ltv audit    orders.csv --customer id --date day --value amount\n"
        "  ltv backtest orders.csv --horizon 13W --origins 6 --out backtest\n"
        "  ltv forecast orders.csv --horizon 26W --backtest backtest --out forecast\n\n"
        "Columns with usual names are found. ltv --help lists the commands, ltv forecast --help "
        "the options; ltv doctor looks whether everything is installed."
    )
