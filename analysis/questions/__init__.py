"""Ready questions: a file of SQL each, its first line the question."""

from importlib import resources


def questions() -> dict[str, str]:
    """Name → SQL."""
    found = (each for each in resources.files("analysis.questions").iterdir() if each.name.endswith(".sql"))
    return {each.name.removesuffix(".sql"): each.read_text(encoding="utf-8") for each in sorted(found, key=str)}


def title_of(sql: str) -> str:
    """What a question asks, in words."""
    return sql.partition("\n")[0].removeprefix("-- ")
