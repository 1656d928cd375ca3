# shellcheck shell=sh disable=SC2034,SC2154 # the parts share their variables
# Flags and variables. A flag wins over its variable.

all_flags='--model --served-model-name --device --host --port --vllm-port --vllm --tensor-parallel --pipeline-parallel --ray --nodes --dtype --max-seq-len --gpu-memory-utilization --api-key-file --gateway-arg --log-dir --log-level --start-seconds --shutdown-seconds --dry-run --help --version'

print_help() {
  cat <<HELP
usage: sh $script_name [flags] [-- flags for vLLM]

Starts a model in vLLM and the Duanyun gateway in front of it, follows their logs, restarts what dies, and drains on Ctrl-C or
SIGTERM. [SUCCESS] is printed after the model has really answered through the gateway.

The model
  --model DIR                  folder with config, tokenizer and weights    [AUTOGLM_MODEL_DIR, /models/autoglm-phone-9b]
  --served-model-name NAME     its name for clients; more than one by commas [autoglm-phone-9b]
  --max-seq-len TOKENS         prompt and answer of one request              [8192, less where the model has less]
  --dtype TYPE                 float16, bfloat16, float32 or auto            [float16; bfloat16 on a processor or where the model needs it]

The hardware
  --device gpu|cpu             cpu: vLLM's build for processors, slow        [gpu]
  --tensor-parallel N          GPUs that share each layer                    [the most that fit the model's shape]
  --pipeline-parallel N        stages one after the other                    [1; with --ray: the nodes]
  --ray                        spread over the nodes of a running Ray cluster (ray start …)
  --nodes N                    nodes to use with --ray                       [those that are alive]
  --gpu-memory-utilization F   part of each GPU that vLLM takes, 0.05–1      [0.9]

The service
  --host ADDRESS               where the gateway listens        [0.0.0.0 where there are API keys, else 127.0.0.1]
  --port N                     of the gateway                                [8000]
  --vllm-port N                of vLLM, on 127.0.0.1 only                    [port + 1]
  --api-key-file FILE          keys that open the gateway, one a line        [DUANYUN_API_KEY_FILE]
  --gateway-arg=FLAG           a further flag for duanyun serve; may be repeated
  --vllm COMMAND               the vllm program                  [AUTOGLM_VLLM, vllm on the PATH]

Running
  --log-dir DIR                full logs of both                 [AUTOGLM_LOG_DIR, DUANYUN_HOME/logs]
  --log-level LEVEL            debug, info, warn or error: least important line shown [info]
  --start-seconds N            a model that is not ready by then has failed  [1800]
  --shutdown-seconds N         time for running answers to end               [30]
  --dry-run                    checks everything, prints the plan, starts nothing
  --version, --help

exit codes: 0 stopped by SIGTERM, 130 by Ctrl-C, 1 failed while running, 2 wrong flags, 3 vLLM missing, 4 model not whole,
            5 hardware does not do, 6 port taken, 7 gateway missing
HELP
}

read_arguments() {
  model=${AUTOGLM_MODEL_DIR:-/models/autoglm-phone-9b}
  served_names=${AUTOGLM_SERVED_MODEL_NAME:-autoglm-phone-9b}
  device=${AUTOGLM_DEVICE:-gpu}
  host=${AUTOGLM_HOST:-}
  port=${AUTOGLM_PORT:-8000}
  vllm_port=${AUTOGLM_VLLM_PORT:-}
  vllm=${AUTOGLM_VLLM:-vllm}
  tensor_parallel=auto
  pipeline_parallel=auto
  ray=no
  nodes=
  dtype=auto
  max_seq_len=auto
  utilization=0.9
  api_key_file=${DUANYUN_API_KEY_FILE:-}
  log_dir=${AUTOGLM_LOG_DIR:-}
  start_seconds=1800
  shutdown_seconds=30
  dry_run=no
  gateway_arguments=
  vllm_arguments=
  newline='
'
  while [ $# -gt 0 ]; do
    case $1 in
      --help | -h) print_help; exit 0 ;;
      --version) print_version; exit 0 ;;
      --dry-run) dry_run=yes; shift; continue ;;
      --ray) ray=yes; shift; continue ;;
      --)
        shift
        for each in "$@"; do vllm_arguments="$vllm_arguments$each$newline"; done
        break
        ;;
      --*=*) flag=${1%%=*} value=${1#*=}; shift ;;
      --*)
        flag=$1
        case " $all_flags " in
          *" $flag "*) [ $# -gt 1 ] || usage_error "$flag needs a value" ;;
          *) unknown_flag "$flag" ;;
        esac
        value=$2
        shift 2
        ;;
      *) usage_error "this means nothing here: $1" ;;
    esac
    set_flag "$flag" "$value"
  done
  check_values
}

set_flag() {
  case $1 in
    --model) model=${2%/} ;;
    --served-model-name) served_names=$2 ;;
    --device) device=$2 ;;
    --host) host=$2 ;;
    --port) port=$2 ;;
    --vllm-port) vllm_port=$2 ;;
    --vllm) vllm=$2 ;;
    --tensor-parallel) tensor_parallel=$2 ;;
    --pipeline-parallel) pipeline_parallel=$2 ;;
    --nodes) nodes=$2 ;;
    --dtype) dtype=$2 ;;
    --max-seq-len) max_seq_len=$2 ;;
    --gpu-memory-utilization) utilization=$2 ;;
    --api-key-file) api_key_file=$2 ;;
    --gateway-arg) gateway_arguments="$gateway_arguments$2$newline" ;;
    --log-dir) log_dir=$2 ;;
    --log-level) log_level=$2 ;;
    --start-seconds) start_seconds=$2 ;;
    --shutdown-seconds) shutdown_seconds=$2 ;;
    *) unknown_flag "$1" ;;
  esac
}

check_values() {
  [ -n "$model" ] || usage_error '--model needs a folder'
  case $device in gpu | cpu) ;; *) usage_error "--device is gpu or cpu, not $device" ;; esac
  case $dtype in auto | float16 | bfloat16 | float32) ;; *) usage_error "--dtype is auto, float16, bfloat16 or float32, not $dtype" ;; esac
  case $log_level in debug | info | warn | error) ;; *) usage_error "--log-level is debug, info, warn or error, not $log_level" ;; esac
  # Names go into commands and addresses.
  case $served_names in '' | *[!A-Za-z0-9._:/,@-]*) usage_error "--served-model-name has a letter that cannot be used: $served_names" ;; esac
  served_name=${served_names%%,*}
  need_number --port "$port" 1 65535
  vllm_port=${vllm_port:-$((port < 65535 ? port + 1 : port - 1))}
  need_number --vllm-port "$vllm_port" 1 65535
  [ "$vllm_port" -ne "$port" ] || usage_error '--port and --vllm-port must differ'
  [ "$tensor_parallel" = auto ] || need_number --tensor-parallel "$tensor_parallel" 1 1024
  [ "$pipeline_parallel" = auto ] || need_number --pipeline-parallel "$pipeline_parallel" 1 1024
  [ "$max_seq_len" = auto ] || need_number --max-seq-len "$max_seq_len" 16 10000000
  [ -z "$nodes" ] || need_number --nodes "$nodes" 1 1024
  [ -z "$nodes" ] || [ "$ray" = yes ] || usage_error '--nodes needs --ray'
  need_number --start-seconds "$start_seconds" 1 86400
  need_number --shutdown-seconds "$shutdown_seconds" 0 3600
  case $utilization in
    0.0[5-9]* | 0.[1-9]* | 1 | 1.0) case ${utilization#*.} in *[!0-9]*) usage_error "--gpu-memory-utilization is 0.05 to 1, not $utilization" ;; esac ;;
    *) usage_error "--gpu-memory-utilization is 0.05 to 1, not $utilization" ;;
  esac
  [ -z "$api_key_file" ] || [ -r "$api_key_file" ] || usage_error "--api-key-file cannot be read: $api_key_file"
}

# need_number FLAG VALUE LEAST MOST
need_number() {
  case $2 in '' | *[!0-9]* | ??????????*) usage_error "$1 is a number from $3 to $4, not $2" ;; esac
  [ "$2" -ge "$3" ] && [ "$2" -le "$4" ] || usage_error "$1 is a number from $3 to $4, not $2"
}

usage_error() { fail 2 "$1" "sh $script_name --help"; }

# The flag that differs in the fewest letters is what was meant, if they are few.
unknown_flag() {
  # shellcheck disable=SC2086
  meant=$(printf '%s\n' $all_flags | awk -v word="$1" '
    function least(a, b, c) { return a < b ? (a < c ? a : c) : (b < c ? b : c) }
    function distance(a, b,  i, j, row, before, cost) {
      for (j = 0; j <= length(b); j++) row[j] = j
      for (i = 1; i <= length(a); i++) {
        before = row[0]; row[0] = i
        for (j = 1; j <= length(b); j++) {
          cost = before + (substr(a, i, 1) != substr(b, j, 1))
          before = row[j]
          row[j] = least(row[j] + 1, row[j - 1] + 1, cost)
        }
      }
      return row[length(b)]
    }
    { far = distance(word, $1); if (NR == 1 || far < best) { best = far; name = $1 } }
    END { if (best <= 4) print name }')
  [ -z "$meant" ] || usage_error "there is no flag $1; did you mean $meant?"
  usage_error "there is no flag $1 (flags for vLLM itself come after --)"
}

print_version() {
  sed -n 's/^  "version": "\(.*\)",$/duanyun \1/p' "$root/package.json"
}
