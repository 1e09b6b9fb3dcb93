"""Settings from files, as containers are given their secrets."""

from pathlib import Path

import pytest

from shared.settings import CommandSettings, PostgresSettings


def test_a_file_holds_a_setting_and_the_environment_goes_before_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("LEADERBOARD_POSTGRES", raising=False)
    monkeypatch.delenv("LEADERBOARD_ADMIN_KEY", raising=False)
    monkeypatch.setenv("LEADERBOARD_SECRETS", str(tmp_path))
    (tmp_path / "leaderboard_postgres").write_text("postgresql://of-the-file/x\n")
    (tmp_path / "leaderboard_admin_key").write_text("k" * 48 + "\n")
    found = PostgresSettings()
    assert found.postgres.get_secret_value() == "postgresql://of-the-file/x"
    key = CommandSettings().admin_key
    assert key is not None
    assert key.get_secret_value() == "k" * 48
    monkeypatch.setenv("LEADERBOARD_POSTGRES", "postgresql://of-the-environment/x")
    assert PostgresSettings().postgres.get_secret_value() == "postgresql://of-the-environment/x"
