#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Compiles lowp-gpu-check with nvcc alone, for the GPU of this machine, and runs it: tools/gpu_check/run.sh OUTDIR
# Leaves in OUTDIR: report.txt, the recorded results (*.safetensors), the SASS, compute-sanitizer's report if it exists.
set -euo pipefail
if [ $# -ne 1 ] || [ "$1" = -h ] || [ "$1" = --help ]; then
  sed -n '3,4s/^# //p' "${BASH_SOURCE[0]}"
  [ $# -eq 1 ] && exit 0 || exit 2
fi
mkdir -p "$1"
out=$(cd "$1" && pwd)
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
PATH="$PATH:/usr/local/cuda/bin"

if ! command -v nvidia-smi >/dev/null || ! nvidia-smi >"$out/chip.txt" 2>&1; then
  echo "no GPU: nvidia-smi is missing or fails" >&2
  exit 3
fi
capability=$(nvidia-smi --query-gpu=compute_cap --format=csv,noheader | head -1 | tr -d ' .')
[ "$capability" -lt 90 ] || capability+=a
nvcc --version >>"$out/chip.txt"

# BUILD: the one nvcc line of README.md.
nvcc -std=c++20 -O3 --fmad=false -Ilib -arch="sm_$capability" -o "$out/lowp-gpu-check" \
  tools/gpu_check/gpu_check.cpp lib/lowp/gpu/{conversions,arithmetic,mma,wgmma,cuda_backend}.cu \
  lib/lowp/gpu/{instruction,dot_cases,probe,prediction,recorded_set,sass,matrix_checks,verify}.cpp \
  lib/lowp/accumulate/{fdpa,model}.cpp lib/lowp/exact/exact_sum.cpp

sass=()
if command -v cuobjdump >/dev/null; then
  cuobjdump -sass "$out/lowp-gpu-check" >"$out/lowp-gpu-check.sass"
  sass=(--sass "$out/lowp-gpu-check.sass")
fi
status=0
"$out/lowp-gpu-check" --digests data/golden/digests.tsv "${sass[@]}" --out "$out" | tee "$out/report.txt" || status=$?
if command -v compute-sanitizer >/dev/null; then
  for tool in memcheck racecheck; do
    timeout 120 compute-sanitizer --tool "$tool" "$out/lowp-gpu-check" --quick --only "layout" >"$out/$tool.txt" 2>&1 || true
    echo "compute-sanitizer $tool: $(tail -1 "$out/$tool.txt")" | tee -a "$out/report.txt"
  done
else
  echo "compute-sanitizer is not installed: not run" | tee -a "$out/report.txt"
fi
exit "$status"
