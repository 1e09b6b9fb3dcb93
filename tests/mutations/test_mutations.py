"""Each guard is needed: with it removed, by a patch on a copy of this tree, the test that is there for it fails."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.stack import ROOT

PATCHES = Path(__file__).parent
MUTATIONS = {
    "no-epoch": "tests/integration/test_leases.py::test_a_zombie_commits_nothing_under_the_lease_of_another",
    "no-compare-and-set": "tests/integration/test_store.py::"
    "test_a_batch_counts_from_where_the_checkpoint_stands_and_only_once",
    "no-dedup": "tests/integration/test_idempotency.py::"
    "test_one_key_at_two_command_apis_with_another_content_in_between",
    "no-gap": "tests/integration/test_redis_versions.py::"
    "test_of_two_repairers_only_one_goes_on_and_meanwhile_the_board_is_unknown",
    "no-repair": "tests/integration/test_crashes.py::test_a_crash_leaves_no_quiet_board_stale[after-commit]",
    "no-checksum": "tests/integration/test_log_safety.py::test_a_log_that_grew_again_with_other_records",
    "no-tick": "tests/integration/test_erase_bound.py::test_names_are_gone_within_the_bound[1]",
    "no-fuse": "tests/integration/test_fuse.py::test_appends_go_on_after_a_record_that_the_broker_rejects",
}


def test_every_patch_has_its_test() -> None:
    assert {patch.stem for patch in PATCHES.glob("*.patch")} == set(MUTATIONS)


@pytest.mark.parametrize("mutation", MUTATIONS)
def test_a_guard_that_is_removed_is_missed(mutation: str, tmp_path: Path) -> None:
    copy = tmp_path / "tree"
    shutil.copytree(ROOT, copy, ignore=shutil.ignore_patterns(".venv", ".data", ".git", ".*_cache", "__pycache__"))
    patch = ["git", "apply", "--verbose", str(PATCHES / f"{mutation}.patch")]
    applied = subprocess.run(patch, cwd=copy, capture_output=True, text=True, check=False)
    assert applied.returncode == 0, f"{applied.stderr}\nmake the patch anew: the code that it removes has changed"
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", MUTATIONS[mutation]]
    environment = {**os.environ, "PYTHONPATH": str(copy)}
    ran = subprocess.run(command, cwd=copy, env=environment, capture_output=True, text=True, timeout=240, check=False)
    assert ran.returncode == 1, f"{MUTATIONS[mutation]} does not miss it:\n{ran.stdout[-3000:]}"
    assert "1 failed" in ran.stdout, ran.stdout[-3000:]
