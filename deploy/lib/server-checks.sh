# shellcheck shell=sh disable=SC2034,SC2154 # the parts share their variables
# Everything that must be true before anything is started. Each check that fails ends the script with what to do.

check_gateway() {
  case $gateway in
    */*) [ -f "$gateway" ] ;;
    *) command -v "$gateway" >/dev/null 2>&1 ;;
  esac || fail 7 "the gateway was not found: $gateway" "git clone the project and sh deploy/install.sh   (or: export DUANYUN_COMMAND=/path/to/duanyun)"
  command -v node >/dev/null 2>&1 || fail 7 'the gateway needs Node.js 20.19 or later and there is no node' 'install it from https://nodejs.org (Debian: apt-get install nodejs)'
  node -e 'const [a, b] = process.versions.node.split(".").map(Number); process.exit(a > 20 || (a === 20 && b >= 19) ? 0 : 1)' ||
    fail 7 "the gateway needs Node.js 20.19 or later, this is $(node --version)" 'install a newer one from https://nodejs.org'
  # In a clone its packages may have to be installed first, which takes a while and says so.
  [ "$dry_run" = yes ] || [ "$gateway" != "$root/bin/duanyun" ] || node "$root/scripts/set-up.mjs" ||
    fail 7 'the gateway cannot be set up, see above' "node $root/scripts/set-up.mjs"
}

# Looks the program up and asks its Python whether the package is there; importing it all would take a quarter of a minute.
check_vllm() {
  case $device in
    cpu) vllm_mend="sh $root/deploy/cpu/install-vllm.sh /opt/vllm && export AUTOGLM_VLLM=/opt/vllm/bin/vllm" ;;
    *) vllm_mend='python3 -m venv /opt/vllm && /opt/vllm/bin/pip install vllm && export AUTOGLM_VLLM=/opt/vllm/bin/vllm' ;;
  esac
  vllm_path=$(command -v "$vllm" 2>/dev/null) || fail 3 "vLLM was not found: $vllm" "$vllm_mend"
  [ -x "$vllm_path" ] || fail 3 "vLLM cannot be run: $vllm_path" "$vllm_mend"
  vllm_python=$(sed -n '1s/^#! *//p' "$vllm_path" 2>/dev/null | tr -d '\r')
  case $vllm_python in
    *python*)
      # Words, not one name: /usr/bin/env python3
      # shellcheck disable=SC2086
      vllm_version=$($vllm_python -c 'import importlib.metadata, importlib.util, sys
sys.exit("no package vllm") if importlib.util.find_spec("vllm") is None else print(importlib.metadata.version("vllm"))' 2>"$run/vllm-check") ||
        fail 3 "$vllm_path is there, but its Python cannot find vLLM: $(tail -n 1 "$run/vllm-check")" "$vllm_mend"
      ;;
    *)
      vllm_version=$("$vllm_path" --version 2>"$run/vllm-check" | tail -n 1) || vllm_version=
      [ -n "$vllm_version" ] || fail 3 "$vllm_path --version fails: $(tail -n 1 "$run/vllm-check")" "$vllm_mend"
      ;;
  esac
  case $device:$vllm_version in
    gpu:*cpu*) fail 3 "this vLLM ($vllm_version) was built for processors only" "$vllm_mend   (or: --device cpu)" ;;
    cpu:*cpu*) ;;
    cpu:*) [ "${VLLM_TARGET_DEVICE:-}" = cpu ] || fail 3 "this vLLM ($vllm_version) was built for GPUs" "$vllm_mend" ;;
  esac
}

list_gpus() {
  gpu_list="$run/gpus.csv"
  : >"$gpu_list"
  [ "$device" = gpu ] || return 0
  command -v nvidia-smi >/dev/null 2>&1 ||
    fail 5 'there is no nvidia-smi, so no NVIDIA driver and no GPU' "install the driver (Debian: apt-get install nvidia-driver), or without a GPU: sh $script_name --device cpu"
  nvidia-smi --query-gpu=index,uuid,name,memory.total,memory.free --format=csv,noheader,nounits >"$gpu_list" 2>"$run/nvidia-smi.err" ||
    fail 5 "nvidia-smi fails: $(cat "$gpu_list" "$run/nvidia-smi.err" | head -n 1)" "nvidia-smi   # must list the GPUs; in a container start it with --gpus all; without a GPU: sh $script_name --device cpu"
}

make_plan() {
  count_nodes
  list_gpus
  plan_tensor=1 plan_pipeline=1 plan_detected='' plan_cpu_cache_gib='' plan_images=no
  plan_error=
  node "$parts/plan-server.mjs" --model "$model" --device "$device" --gpus "$gpu_list" --visible "${CUDA_VISIBLE_DEVICES:-}" \
    --tensor-parallel "$tensor_parallel" --pipeline-parallel "$pipeline_parallel" --nodes "${nodes:-1}" --dtype "$dtype" \
    --max-seq-len "$max_seq_len" --utilization "$utilization" >"$run/plan"
  plan_code=$?
  while read -r kind rest; do
    case $kind in
      plan) set_plan "${rest%% *}" "${rest#* }" ;;
      warn) say WARN "$rest" ;;
      error) say ERROR "$rest"; plan_error=yes ;;
      mend) say ERROR "  mend: $rest" ;;
    esac
  done <"$run/plan"
  [ "$plan_code" -eq 0 ] && return
  [ -n "$plan_error" ] || say ERROR 'the plan could not be made, see above'
  exit "$plan_code"
}

set_plan() {
  case $1 in
    tokenizer) plan_tokenizer=$2 ;;
    dtype) plan_dtype=$2 ;;
    context) plan_context=$2 ;;
    detected) plan_detected=$2 ;;
    tensor) plan_tensor=$2 ;;
    pipeline) plan_pipeline=$2 ;;
    cpu_cache_gib) plan_cpu_cache_gib=$2 ;;
    weights_mib) plan_weights_mib=$2 ;;
    images) plan_images=$2 ;;
  esac
}

# With --ray: how many machines are alive in the cluster that runs on this one.
count_nodes() {
  [ "$ray" = yes ] || return 0
  ray_program=$(dirname -- "$vllm_path")/ray
  [ -x "$ray_program" ] || ray_program=$(command -v ray 2>/dev/null) || fail 3 'Ray was not found beside vLLM' "$(dirname -- "$vllm_path")/pip install 'ray[default]'"
  "$ray_program" status >"$run/ray" 2>&1 ||
    fail 5 'no Ray cluster runs on this machine' "here: $ray_program start --head --port=6379; on every other machine: ray start --address=$(hostname):6379"
  # `ray status` lists one line ` 1 node_…` for each machine under `Active:`.
  alive=$(sed -n '/^Active:/,/^Pending:/s/^ *\([0-9][0-9]*\) node_.*/\1/p' "$run/ray" | awk '{ sum += $1 } END { print sum + 0 }')
  [ "$alive" -ge 1 ] || fail 5 'the Ray cluster has no machine that is alive' "$ray_program status"
  nodes=${nodes:-$alive}
  [ "$nodes" -le "$alive" ] || fail 5 "--nodes $nodes: the Ray cluster has $alive" "on each missing machine: ray start --address=$(hostname):6379"
}

check_ray() {
  [ "$device" = cpu ] && [ "$ray" = yes ] && fail 2 '--ray needs GPUs' "sh $script_name --help"
  return 0
}

check_ports() {
  # Whether keys are asked for decides where it may listen.
  if [ -z "$host" ]; then
    host=127.0.0.1
    if has_keys; then
      host=0.0.0.0
    else
      say WARN "No API keys are set, so the service listens on 127.0.0.1 only. For others make one: $gateway keys create --name me"
    fi
  fi
  for each in "$host $port --port" "127.0.0.1 $vllm_port --vllm-port"; do
    # shellcheck disable=SC2086
    set -- $each
    node "$parts/probe.mjs" port "$1" "$2" ||
      fail 6 "port $2 on $1 is taken or may not be used" "ss -ltnp 'sport = :$2'   # shows who has it; or: $3 N"
  done
}

# Keys come from a file, a variable, or the gateway's own store (`duanyun keys create`).
has_keys() {
  [ -n "$api_key_file" ] || [ -n "${DUANYUN_API_KEY:-}" ] || has_stored_keys
}

has_stored_keys() {
  "$gateway" keys list --json 2>/dev/null </dev/null | grep -q '"state":"good"'
}
