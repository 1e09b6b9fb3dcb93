"""The admin key: without one nobody may, with one only who has it."""

import pytest
from pydantic import SecretStr, ValidationError

from command_api.admin import check_key
from shared.problems import Problem
from shared.settings import CommandSettings

KEY = SecretStr("0123456789abcdef")


def refused(key: SecretStr | None, authorization: str | None) -> Problem:
    with pytest.raises(Problem) as caught:
        check_key(key, authorization)
    return caught.value


@pytest.mark.parametrize("authorization", ["Bearer 0123456789abcdef", "bearer 0123456789abcdef "])
def test_the_key_lets_a_request_pass(authorization: str) -> None:
    check_key(KEY, authorization)


@pytest.mark.parametrize(
    "authorization",
    [None, "", "Bearer", "Bearer ", "Bearer 0123456789abcde", "Basic 0123456789abcdef", "0123456789abcdef", "Bearer é"],
)
def test_anything_else_is_not_authorized(authorization: str | None) -> None:
    problem = refused(KEY, authorization)
    assert (problem.status, problem.kind) == (401, "not-authorized")
    assert problem.headers is not None
    assert problem.headers["WWW-Authenticate"].startswith("Bearer")


def test_a_key_beyond_ascii_is_compared_by_its_bytes() -> None:
    key = SecretStr("é" * 16)
    check_key(key, "Bearer " + ("é" * 16).encode().decode("latin-1"))
    assert refused(key, "Bearer " + "é" * 16).status == 401


@pytest.mark.parametrize("authorization", [None, "Bearer ", "Bearer None", "Bearer 0123456789abcdef"])
def test_without_a_key_nobody_may_and_the_answer_says_what_to_set(authorization: str | None) -> None:
    problem = refused(None, authorization)
    assert (problem.status, problem.kind) == (403, "admin-key-not-set")
    assert "LEADERBOARD_ADMIN_KEY" in problem.detail


def test_a_short_key_is_refused_and_not_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEADERBOARD_ADMIN_KEY", "too-short-secret"[:15])
    with pytest.raises(ValidationError, match="at least 16") as caught:
        CommandSettings()
    assert "too-short" not in str(caught.value)
