"""Boards as of many random instants: `replay` against plain SQL over the exported log.

`python -m tests.instants --instants 1000` makes a history, imports it into a real Kafka, and compares.
"""

import argparse
import asyncio
import sys
import tempfile
from pathlib import Path

from tests.instants.checking import checked
from tests.servers import open_servers
from tests.stack import System


def main() -> int:
    """Check, and say what was compared; 1 on any difference."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--instants", type=int, default=1_000)
    parser.add_argument("--events", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o711)
        with open_servers(folder / "servers") as servers:
            system = System(servers, folder)
            report = asyncio.run(checked(system, folder / "log", asked.seed, asked.events, asked.instants))
    print(*report.lines(), sep="\n")
    return 0 if report.equal else 1


sys.exit(main())
