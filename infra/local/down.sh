#!/usr/bin/env bash
# Ends what up.sh started in FOLDER, last first, each with all its children (a node of Ray's may drain for 30 s); says what had to be killed.
set -uo pipefail
folder=${1:?the folder that up.sh was given}
[ -s "$folder/pids" ] || { echo "nothing runs from $folder"; exit 0; }
left=0
while read -r pid name; do
  case $name in postgresql) signal=INT ;; *) signal=TERM ;; esac # INT: PostgreSQL ends its clients too
  kill -"$signal" -- "-$pid" 2>/dev/null || kill -"$signal" "$pid" 2>/dev/null || continue
  for _ in $(seq 200); do
    kill -0 -- "-$pid" 2>/dev/null || break
    sleep 0.2
  done
  if kill -0 -- "-$pid" 2>/dev/null; then
    echo "$name did not end in 40 s: killed" >&2
    kill -KILL -- "-$pid" 2>/dev/null
    left=1
  fi
done < <(tac "$folder/pids")
rm -f "$folder/pids"
exit $left
