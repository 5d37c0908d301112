"""``ltv --install-completion``: the shell completes commands and options."""

from pathlib import Path
from typing import Literal

from forecast.cli.app import app
from forecast.cli.screen import screen
from forecast.cli.wording import printable
from forecast.errors import UsageError

__all__ = ["install_completion"]


@app.command(name="--install-completion")
def install_completion(
    *, shell: Literal["bash", "zsh", "fish"] | None = None, output: Path | None = None
) -> None:
    """Let the shell complete commands and options.

    Example: `ltv --install-completion --shell bash`

    Writes a completion script where the shell looks for it; bash and zsh get a line in .bashrc or
    .zshrc, once.

    Parameters
    ----------
    shell
        Which shell; by default the one that runs the command.
    output
        Write the script here and leave the shell's own files as they are.
    """
    from cyclopts.completion.detect import ShellDetectionError, detect_shell

    try:
        chosen = shell or detect_shell()
    except ShellDetectionError as error:
        raise UsageError("The shell is not known. Name it: --shell bash, zsh or fish.") from error
    place = app.install_completion(shell=chosen, output=output, add_to_startup=output is None)
    screen.print(
        f"{printable(str(place))} is written. It works in the next {chosen} that is opened.",
        markup=False, soft_wrap=True,
    )  # fmt: skip
