#!/usr/bin/env bash
# Makes the virtual environment: torch from whatever build this machine has, everything else from the hashed lock.
set -euo pipefail
venv=$1
cd "$(dirname "$0")/.."
say() { printf '\033[1munimed:\033[0m %s\n' "$*" >&2; }
die() { say "$*"; exit 2; }

[ "$(uname -s)-$(uname -m)" = "Linux-x86_64" ] || die "UniMed runs on Linux x86-64 (WSL too); this is $(uname -s) $(uname -m)."
python=""
for candidate in ${PYTHON:-} python3.11 python3; do
  if command -v "$candidate" >/dev/null && "$candidate" -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' 2>/dev/null; then
    python=$candidate; break
  fi
done
[ -n "$python" ] || die "Python 3.11 is missing. Install it (Debian 12: apt-get install python3.11-venv; elsewhere: uv python install 3.11) or name it: PYTHON=/path/to/python3.11 make ..."
"$python" -c 'import venv, ensurepip' 2>/dev/null || die "$python has no venv module. Debian: apt-get install python3.11-venv"
free_mb=$(df -Pm . | awk 'NR==2 {print $4}')
[ "$free_mb" -ge 6000 ] || die "this disk has $free_mb MB free; the environment and one tiny run need 6000 MB."
memory_mb=$(awk '/MemTotal/ {print int($2/1024)}' /proc/meminfo)
[ "$memory_mb" -ge 7500 ] || say "this machine has $memory_mb MB of memory; the tiny recipe was measured with less than 10000 MB in use, so it may swap."

begun=$SECONDS
say "setting up $venv (about 2.8 GB; nothing is installed outside it)"
rm -f "$venv/.ready"
[ -x "$venv/bin/python" ] || "$python" -m venv "$venv"
"$venv/bin/python" -m pip install --quiet --disable-pip-version-check uv 2> >(grep -v '^WARNING: Location' >&2)
uv=("$venv/bin/uv" pip install --quiet --python "$venv/bin/python")
find_links=()
if [ -n "${PIP_FIND_LINKS:-}" ]; then
  for place in $PIP_FIND_LINKS; do find_links+=(--find-links "$place"); done
fi
# uv does not read pip's configuration, so a local folder of wheels is handed on; without one, uv picks the build that
# fits this machine's GPU, or the CPU build; TORCH_BACKEND (cpu, cu130, …) says it for a machine that is not this one.
if [ ${#find_links[@]} -gt 0 ]; then
  "${uv[@]}" "${find_links[@]}" "torch==2.13.0"
else
  "${uv[@]}" --torch-backend="${TORCH_BACKEND:-auto}" "torch==2.13.0"
fi
"${uv[@]}" --no-deps --require-hashes -r requirements.lock
"${uv[@]}" --no-deps -e .
say "compiling what the code imports, once for all its processes"
# In a home that goes away and with nothing reported: some packages write an id into it on their first import.
passing=$(mktemp -d)
env -u PYTHONDONTWRITEBYTECODE HOME="$passing" DO_NOT_TRACK=1 MLFLOW_DISABLE_TELEMETRY=true ORT_DISABLE_TELEMETRY=1 \
  "$venv/bin/python" infra/compile_imports.py flows components model
rm -rf "$passing"
touch "$venv/.ready"
say "environment ready in $((SECONDS - begun)) s (this is not part of the run's time)"
