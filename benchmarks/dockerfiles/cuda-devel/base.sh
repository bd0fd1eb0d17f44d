#!/usr/bin/env bash
# Make stand-ins for NVIDIA's images: the suite's Debian, with files in place of CUDA's libraries, headers and compiler.
#
# usage: base.sh [BASE]     (defaults to slimml-bench/python:3.11). NVIDIA's own are ten times as large.
set -euo pipefail
base="${1:-slimml-bench/python:3.11}"
printf 'FROM %s\nRUN mkdir -p /usr/local/cuda/lib64 && head -c 150000000 /dev/urandom > /usr/local/cuda/lib64/libcublas.so.12\n' "$base" |
  DOCKER_BUILDKIT=0 docker build --network host -t scratch/cuda:12.4-runtime-bookworm - >/dev/null
printf 'FROM scratch/cuda:12.4-runtime-bookworm\nRUN mkdir -p /usr/local/cuda/bin && head -c 450000000 /dev/urandom > /usr/local/cuda/lib64/libcublas_static.a\n' |
  DOCKER_BUILDKIT=0 docker build --network host -t scratch/cuda:12.4-devel-bookworm - >/dev/null
