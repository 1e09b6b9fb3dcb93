"""The account that a server runs under when root starts it and it refuses to be root."""

import os
import pwd
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict

from leaderboard.local.errors import LocalServerError


@dataclass(frozen=True)
class Account:
    """A user of this machine, by numbers as the kernel wants them."""

    name: str
    uid: int
    gid: int


class Identity(TypedDict):
    """Whom a process runs as, by the names that `subprocess` has."""

    user: int | None
    group: int | None
    extra_groups: list[int] | None


def identity(account: Account | None) -> Identity:
    """That of an account and of no group besides; None: ours."""
    if account is None:
        return {"user": None, "group": None, "extra_groups": None}
    return {"user": account.uid, "group": account.gid, "extra_groups": []}


def unprivileged_account(*folders: Path) -> Account | None:
    """The owner of the first of these folders that root does not own, else nobody; None unless we are root."""
    if os.geteuid() != 0:
        return None
    owners = (folder.stat().st_uid for folder in folders if folder.exists())
    uid = next((uid for uid in owners if uid != 0), None)
    try:
        entry = pwd.getpwnam("nobody") if uid is None else pwd.getpwuid(uid)
    except KeyError:
        message = "Postgres refuses to run as root and there is no account 'nobody': run this as another user"
        raise LocalServerError(message) from None
    return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)


def require_entry(folder: Path, account: Account | None, move: str) -> None:
    """Raise LocalServerError, naming the folder that is shut, unless the account can enter `folder`."""
    if account is None or can_enter(folder, account):
        return
    shut = next(part for part in [*reversed(folder.parents), folder] if not can_enter(part, account))
    raise LocalServerError(
        f"Postgres refuses to run as root, and the account '{account.name}' cannot enter {shut}: "
        f"{move}, run 'chmod o+x {shut}', or start this as another user"
    )


def can_enter(folder: Path, account: Account) -> bool:
    """Try it as that account: only the kernel knows about access lists and mounts."""
    probe = ["/bin/sh", "-c", 'cd -- "$1"', "sh", str(folder)]
    run = subprocess.run(probe, cwd="/", stderr=subprocess.DEVNULL, check=False, **identity(account))
    return run.returncode == 0
