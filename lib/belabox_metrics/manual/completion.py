"""The words that bash completes, as assignments for the script in configs/completion.bash."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .help import Help


def tables(commands: dict[str, Help]) -> str:
    """Word of a command -> its help, as two associative arrays: the options of each, and the values
    that an option has (of the kind `{jsonl,csv}`) or what its value is called."""
    options, values = [], []
    for word, told in commands.items():
        flags = [flag for argument in told.arguments for flag in argument.flags]
        options.append(f"    [{word}]='{' '.join(dict.fromkeys(flags))}'")
        for argument in told.arguments:
            if argument.takes:
                taken = argument.takes.split(" ")[0]
                taken = taken.strip("{}").replace(",", " ") if taken.startswith("{") else taken
                values += [f"    [{word} {flag}]='{taken}'" for flag in argument.flags]
    return "\n".join(
        [
            # Global: bash-completion loads the script inside of a function.
            "declare -gA _belabox_metrics_options=(",
            *options,
            ")",
            "declare -gA _belabox_metrics_values=(",
            *values,
            ")",
        ]
    )
