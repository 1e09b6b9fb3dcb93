"""What images are made of is all that they need."""

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_every_package_is_in_the_image() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    packages = {pattern.rstrip("*") for pattern in project["tool"]["setuptools"]["packages"]["find"]["include"]}
    copied = set(re.findall(r"^COPY (\w+) \1$", (ROOT / "compose" / "Dockerfile").read_text(), re.MULTILINE))
    let_through = set(re.findall(r"^!(\w+)/$", (ROOT / ".dockerignore").read_text(), re.MULTILINE))
    assert packages == copied
    assert packages <= let_through
