"""When the web app is built anew."""

from pathlib import Path

from leaderboard.building import digest_of


def test_the_digest_is_of_the_sources_alone(tmp_path: Path) -> None:
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "main.tsx").write_text("one")
    before = digest_of(tmp_path)
    for folder in ("node_modules", "dist"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "file").write_text("made of them")
    assert digest_of(tmp_path) == before
    (tmp_path / "src" / "main.tsx").write_text("two")
    changed = digest_of(tmp_path)
    (tmp_path / "src" / "main.tsx").rename(tmp_path / "src" / "app.tsx")
    assert len({before, changed, digest_of(tmp_path)}) == 3
