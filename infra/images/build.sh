#!/usr/bin/env bash
# Builds our two images: `infra/images/build.sh [cpu|cuda]`, both without an argument. BUILDER=podman for Podman.
# The CUDA image holds torch's CUDA build, which brings its libraries; the node needs NVIDIA's driver and container toolkit.
set -euo pipefail
cd "$(dirname "$0")/../.."
# shellcheck source=infra/images/images.env
. infra/images/images.env
base=$PYTHON_IMAGE${PYTHON_DIGEST:+@$PYTHON_DIGEST}
build() { # build NAME BACKEND
  "${BUILDER:-docker}" build -f infra/images/Dockerfile --build-arg "PYTHON=$base" --build-arg "TORCH_BACKEND=$2" -t "$1" .
}
case ${1:-both} in
  cpu) build "$UNIMED_IMAGE" cpu ;;
  cuda) build "$UNIMED_CUDA_IMAGE" "${CUDA_BACKEND:-cu130}" ;;
  both) build "$UNIMED_IMAGE" cpu && build "$UNIMED_CUDA_IMAGE" "${CUDA_BACKEND:-cu130}" ;;
  *) echo "cpu, cuda or nothing, not: $1" >&2; exit 2 ;;
esac
