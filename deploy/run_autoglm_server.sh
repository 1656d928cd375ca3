#!/bin/sh
# Starts AutoGLM-Phone-9B (or another model) in vLLM, the Duanyun gateway in front of it, and looks after both until it is told
# to end. `sh run_autoglm_server.sh --help` says how. POSIX sh; the thinking is done by the small programs beside it in lib/.
set -u

self=$(readlink -f -- "$0" 2>/dev/null) || self=$0
script_name=$(basename -- "$0")
for parts in "${DUANYUN_ROOT:-}/deploy/lib" "$(dirname -- "$self")/lib" /usr/local/lib/duanyun/deploy/lib /opt/duanyun/deploy/lib ''; do
  [ -f "$parts/server-processes.sh" ] && break
done
if [ -z "$parts" ]; then
  echo "[ERROR] The parts of this script were not found: it was copied without its project." >&2
  echo "[ERROR]   mend: sh PROJECT/deploy/install.sh   (or: export DUANYUN_ROOT=PROJECT)" >&2
  exit 7
fi
root=${DUANYUN_ROOT:-$(dirname -- "$(dirname -- "$parts")")}
gateway=${DUANYUN_COMMAND:-$root/bin/duanyun}
# This script's own: the gateway refuses variables that it does not know.
unset DUANYUN_ROOT DUANYUN_COMMAND

# shellcheck source=lib/server-log.sh
. "$parts/server-log.sh"
# shellcheck source=lib/server-arguments.sh
. "$parts/server-arguments.sh"
# shellcheck source=lib/server-checks.sh
. "$parts/server-checks.sh"
# shellcheck source=lib/server-processes.sh
. "$parts/server-processes.sh"

read_arguments "$@"

say INFO "Starting AutoGLM-Phone-9B server..."
run=$(mktemp -d "${TMPDIR:-/tmp}/autoglm-server.XXXXXX") || fail 1 "no temporary folder can be made" "export TMPDIR=/a/folder/that/can/be/written"
trap 'rm -rf "$run"' EXIT

check_gateway
check_vllm
make_plan
check_ray
check_ports

say INFO "Loading tokenizer from $plan_tokenizer/"
case $plan_dtype in
  float16) precision=fp16=True ;;
  *) precision="fp16=False ($plan_dtype)" ;;
esac
say INFO "Initializing model with config: $precision, max_seq_len=$plan_context"
say INFO "Detected $plan_detected"
if [ "$plan_tensor" -gt 1 ]; then
  say INFO "Distributed inference enabled via tensor parallelism"
  say INFO "  $plan_tensor GPUs share each layer, $plan_pipeline stage(s)"
elif [ "$plan_pipeline" -gt 1 ]; then
  say INFO "Distributed inference enabled via pipeline parallelism: $plan_pipeline stages"
fi

set_commands
if [ "$dry_run" = yes ]; then
  print_plan
  exit 0
fi

make_log_folder
supervise
