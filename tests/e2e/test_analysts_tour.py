"""The tour for analysts: every command of the document runs, and prints what the document says that it prints."""

import subprocess
import sys

from tests.stack import ROOT


def test_the_document_says_what_the_commands_print() -> None:
    argv = [sys.executable, "scripts/analysts-tour"]
    ran = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, timeout=1_200, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
