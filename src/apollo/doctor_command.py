"""`apollo doctor`: what is there of what Apollo needs, and what to do where it is not."""

from apollo import console
from apollo.console import ExitCode, guarded
from apollo.options import RESULTS, Json, Output


@guarded
def doctor(
    output: Output = RESULTS,
    json: Json = False,
) -> None:
    """Check Python, packages, optional parts, folders, and that a network runs."""
    from apollo.doctor import State, checks

    found = [*checks(output)]
    if json:
        console.print_json([{**vars(each), "state": each.state.value} for each in found])
    else:
        rows = [(each.name, each.state.value, each.found, each.advice) for each in found]
        console.print_table("Environment", ("check ", "state ", "found ", "what to do "), rows)
    failed = [each.name for each in found if each.state is State.FAILED]
    if failed:
        console.fail(f"Not in order: {', '.join(failed)}.", ExitCode.VERIFICATION_FAILED)
