"""`python -m tests.chaos --minutes 5 --seed 1 --json`: exit code 1 if any promise was broken."""

import argparse
import asyncio
import json
import sys
import tempfile
from pathlib import Path

from tests.chaos.faults import Fault
from tests.chaos.run import ChaosOptions, run_chaos

from aloe.client.errors import AloeError
from aloe.local import ChildFailed, NoRedis

_SHOWN = 40


def main() -> int:
    """Run the chaos and print its outcome."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--minutes", type=float, default=5.0, help="how long things are broken")
    parser.add_argument("--seed", type=int, default=0, help="fixes faults and oracles' choices")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="keep history and logs there")
    parser.add_argument(
        "--without",
        choices=[each.value for each in Fault],
        action="append",
        default=[],
        help="leave a fault out",
    )
    parser.add_argument("--json", action="store_true", help="one JSON object on stdout")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="aloe-chaos-") as temporary:
        folder = arguments.keep or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        if any(folder.iterdir()):
            parser.error(f"--keep: {folder} is not empty; give a new folder")
        options = ChaosOptions(
            arguments.minutes, arguments.seed, folder, frozenset(map(Fault, arguments.without))
        )
        try:
            outcome = asyncio.run(run_chaos(options, _say))
        except (AloeError, ChildFailed, NoRedis) as error:
            _say(f"chaos: {error}")
            return 2
        except KeyboardInterrupt:
            return 130
    for finding in outcome.findings[:_SHOWN]:
        _say(f"{finding.kind.value}: {finding.text}")
    if len(outcome.findings) > _SHOWN:
        _say(f"... and {len(outcome.findings) - _SHOWN} more")
    lines = (
        [json.dumps(outcome.report)]
        if arguments.json
        else [f"{name:20} {value}" for name, value in outcome.report.items()]
    )
    sys.stdout.write("\n".join(lines) + "\n")
    return 1 if outcome.findings else 0


def _say(text: str) -> None:
    sys.stderr.write(f"{text}\n")


if __name__ == "__main__":
    sys.exit(main())
