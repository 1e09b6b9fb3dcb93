"""The watchdog ends a process without progress, in a real process: it ends by os._exit."""

import subprocess
import sys

BEATS = "import time; from shared.watchdog import watched\nwith watched(1) as dog:\n"


def run(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", BEATS + code], capture_output=True, text=True, timeout=20, check=False)


def test_a_process_that_makes_no_progress_ends_and_says_where_it_hung() -> None:
    ended = run("    time.sleep(15)")
    assert ended.returncode == 70
    assert "no_progress" in ended.stdout + ended.stderr
    assert "time.sleep" in ended.stderr or 'File "<string>"' in ended.stderr


def test_a_process_that_beats_goes_on() -> None:
    assert run("    for _ in range(35): dog.beat(); time.sleep(0.1)\nprint('done')").stdout == "done\n"
