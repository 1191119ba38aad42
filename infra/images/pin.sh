#!/usr/bin/env bash
# Fills the digests of images.env with what each tag points at now. Needs a registry that answers and `crane` or `skopeo`.
# Ours are pinned after a push: set UNIMED_IMAGE to where it was pushed first; names without a registry are passed over.
set -euo pipefail
cd "$(dirname "$0")"
if command -v crane >/dev/null; then digest() { crane digest "$1"; }
elif command -v skopeo >/dev/null; then digest() { skopeo inspect --format '{{.Digest}}' "docker://$1"; }
else echo "neither crane nor skopeo is installed; one of them asks a registry for a digest" >&2; exit 2
fi
pinned=$(mktemp)
trap 'rm -f "$pinned"' EXIT
cp images.env "$pinned"
while IFS='=' read -r name image; do
  case $name in *_IMAGE) ;; *) continue ;; esac
  case $image in */*) ;; *) continue ;; esac
  found=$(digest "$image")
  [[ $found =~ ^sha256:[0-9a-f]{64}$ ]] || { echo "$image: no digest but: $found" >&2; exit 1; }
  sed -i "s|^${name%_IMAGE}_DIGEST=.*|${name%_IMAGE}_DIGEST=$found|" "$pinned"
  echo "$image $found"
done <images.env
cat "$pinned" >images.env
