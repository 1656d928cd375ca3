# shellcheck shell=sh disable=SC2034,SC2154 # the parts share their variables
# Starts vLLM and the gateway, each in a process group of its own, watches them, and ends them in order.

set_commands() {
  # One argument a line: they may hold spaces and braces.
  model_command="$vllm_path${newline}serve${newline}$model${newline}--host${newline}127.0.0.1${newline}--port${newline}$vllm_port${newline}--served-model-name$newline"
  model_command="$model_command$(printf '%s' "$served_names" | tr ',' '\n')$newline"
  add_model --dtype "$plan_dtype" --max-model-len "$plan_context" --gpu-memory-utilization "$utilization"
  [ "$plan_tokenizer" = "$model" ] || add_model --tokenizer "$plan_tokenizer"
  [ "$device" = cpu ] || add_model --tensor-parallel-size "$plan_tensor" --pipeline-parallel-size "$plan_pipeline"
  [ "$ray" = no ] || add_model --distributed-executor-backend ray
  # The gateway writes the log of requests; and compiling takes longer on a processor than it saves.
  add_model --disable-uvicorn-access-log
  [ "$device" = gpu ] || add_model --enforce-eager
  if [ "$plan_images" = yes ]; then
    add_model --limit-mm-per-prompt '{"image":10}'
    [ "$plan_tensor" -eq 1 ] || add_model --mm-encoder-tp-mode data
  fi
  model_command="$model_command$vllm_arguments"
  gateway_command="$gateway${newline}serve${newline}--role${newline}cloud${newline}--host${newline}$host${newline}--port${newline}$port${newline}--cloud-url${newline}http://127.0.0.1:$vllm_port${newline}--cloud-model${newline}$served_name${newline}--shutdown-seconds${newline}$shutdown_seconds${newline}--log-format${newline}text${newline}"
  [ -z "$api_key_file" ] || gateway_command="$gateway_command--api-key-file$newline$api_key_file$newline"
  [ "$plan_images" = no ] || gateway_command="$gateway_command--cloud-modalities${newline}text,image$newline"
  gateway_command="$gateway_command$gateway_arguments"
}

add_model() {
  for each in "$@"; do model_command="$model_command$each$newline"; done
}

# The commands as they could be typed.
print_plan() {
  say INFO 'Dry run: this would be started.'
  printf '  vLLM:    %s\n' "$(shown_command "$model_command")"
  printf '  gateway: %s\n' "$(shown_command "$gateway_command")"
  printf '  weights: %s MiB, logs: %s\n' "$plan_weights_mib" "${log_dir:-$(default_log_folder)}"
}

shown_command() {
  printf '%s' "$1" | while IFS= read -r each; do
    case $each in
      *[!A-Za-z0-9_./:=,@%+-]*) printf "'%s' " "$each" ;;
      *) printf '%s ' "$each" ;;
    esac
  done
}

default_log_folder() { echo "${DUANYUN_HOME:-${HOME:-/tmp}/.duanyun}/logs"; }

make_log_folder() {
  log_dir=${log_dir:-$(default_log_folder)}
  { mkdir -p -- "$log_dir" && : >>"$log_dir/vllm.log" && : >>"$log_dir/gateway.log"; } 2>/dev/null ||
    fail 1 "logs cannot be written to $log_dir" '--log-dir /a/folder/that/can/be/written'
  : >"$log_dir/vllm.log"
  : >"$log_dir/gateway.log"
}

# start NAME COMMAND: sets started_pid. The program leads a session and a group of its own, so that Ctrl-C reaches this script
# only and a kill of the group takes every child along; where the system can do it, it is told to end when this script dies.
start() {
  [ -p "$run/$1.pipe" ] || mkfifo "$run/$1.pipe"
  follow "$1" "$log_dir/$1.log" <"$run/$1.pipe" &
  follower_pids="${follower_pids:-} $!"
  old_ifs=$IFS
  IFS=$newline
  set -f
  # shellcheck disable=SC2086
  set -- "$1" $2
  set +f
  IFS=$old_ifs
  name=$1
  shift
  # shellcheck disable=SC2086
  $with_parent setsid "$@" >"$run/$name.pipe" 2>&1 </dev/null &
  started_pid=$!
}

start_model() {
  # Nothing is fetched and nothing is reported: the weights lie here.
  export HF_HUB_OFFLINE=1 TRANSFORMERS_OFFLINE=1 VLLM_NO_USAGE_STATS=1 DO_NOT_TRACK=1
  [ -z "$plan_cpu_cache_gib" ] || export VLLM_CPU_KVCACHE_SPACE="${VLLM_CPU_KVCACHE_SPACE:-$plan_cpu_cache_gib}"
  # vLLM keeps a processor for itself and binds its threads to the others; on a small machine that is half of them.
  [ "$device" = gpu ] || [ "$(nproc 2>/dev/null || echo 8)" -gt 4 ] || export VLLM_CPU_OMP_THREADS_BIND="${VLLM_CPU_OMP_THREADS_BIND:-nobind}"
  start vllm "$model_command"
  model_pid=$started_pid
  model_since=$(date +%s)
  model_state=loading
  start_probe wait "http://127.0.0.1:$vllm_port"
}

start_gateway() {
  : >"$log_dir/gateway.log"
  gateway_said=no
  gateway_since=$(date +%s)
  start gateway "$gateway_command"
  gateway_pid=$started_pid
}

# start_probe ACTION …: asks in the background, so that signals are heard meanwhile.
start_probe() {
  end_probe
  # shellcheck disable=SC2086
  DUANYUN_PROBE_KEY=${probe_key:-} $with_parent node "$parts/probe.mjs" "$@" >"$run/probe" 2>"$run/probe.err" &
  probe_pid=$!
}

end_probe() {
  [ -z "${probe_pid:-}" ] || kill "$probe_pid" 2>/dev/null
  probe_pid=
}

supervise() {
  with_parent=
  setpriv --pdeathsig TERM true 2>/dev/null && with_parent='setpriv --pdeathsig TERM'
  stop_signal=
  trap 'on_signal INT' INT
  trap 'on_signal TERM' TERM
  trap 'on_signal HUP' HUP
  trap 'end_all 0; rm -rf "$run"' EXIT
  probe_key='' probe_key_id=''
  ever_ready=no model_failures=0 gateway_failures=0 gateway_said=no gateway_worked=no
  model_pid='' gateway_pid='' model_restart_at=0 gateway_restart_at=0 hang_since=0 ticks=0
  start_model
  start_gateway
  while [ -z "$stop_signal" ]; do
    look_at_gateway
    look_at_model
    sleep 1 &
    wait $! 2>/dev/null
    ticks=$((ticks + 1))
  done
  say INFO "Stopping ($stop_signal): running answers may end within $shutdown_seconds s. Once more ends at once."
  end_all "$shutdown_seconds"
  say INFO 'Stopped.'
  trap 'rm -rf "$run"' EXIT
  [ "$stop_signal" = INT ] && exit 130
  exit 0
}

on_signal() {
  if [ -z "$stop_signal" ]; then
    stop_signal=$1
  else
    end_all 0
    exit 130
  fi
}

# Waits 1, 2, 4 … 60 seconds, the longer the more often it failed in a row.
back_off() {
  pause=1
  step=1
  while [ "$step" -lt "$1" ] && [ "$pause" -lt 60 ]; do
    pause=$((pause * 2))
    step=$((step + 1))
  done
  [ "$pause" -le 60 ] || pause=60
  echo "$pause"
}

look_at_gateway() {
  if [ -z "$gateway_pid" ]; then
    [ "$(date +%s)" -lt "$gateway_restart_at" ] || start_gateway
    return 0
  fi
  if kill -0 "$gateway_pid" 2>/dev/null; then
    if [ "$gateway_said" = no ] && grep -q 'listens on' "$log_dir/gateway.log"; then
      gateway_said=yes
      gateway_worked=yes
    fi
    # A minute of work starts the row of failures anew.
    [ $(($(date +%s) - gateway_since)) -lt 60 ] || gateway_failures=0
    return 0
  fi
  wait "$gateway_pid"
  gateway_code=$?
  end_group "$gateway_pid" 0
  gateway_pid=
  [ "$gateway_code" -ne 2 ] || fail_running 'the gateway refuses its settings, see above'
  gateway_failures=$((gateway_failures + 1))
  [ "$gateway_worked" = yes ] || [ "$gateway_failures" -lt 3 ] || fail_running 'the gateway does not start, see above'
  pause=$(back_off "$gateway_failures")
  gateway_restart_at=$(($(date +%s) + pause))
  say ERROR "The gateway ended (exit code $gateway_code); it is started again in $pause s"
}

look_at_model() {
  now=$(date +%s)
  if [ -z "$model_pid" ]; then
    [ "$now" -lt "$model_restart_at" ] || start_model
    return
  fi
  if ! kill -0 "$model_pid" 2>/dev/null; then
    wait "$model_pid"
    model_ended "ended (exit code $?)"
    return
  fi
  case $model_state in
    loading)
      if probe_has_ended; then
        say INFO "vLLM $vllm_version has loaded the model in $((now - model_since)) s; its FastAPI server answers on 127.0.0.1:$vllm_port"
        model_state=loaded
      elif [ $((now - model_since)) -ge "$start_seconds" ]; then
        model_ended "was not ready within $start_seconds s"
      fi
      ;;
    loaded)
      [ "$gateway_said" = yes ] || return 0
      say INFO "FastAPI server running at http://$host:$port"
      say INFO "  the address is the gateway's; it serves: $served_names"
      model_state=checking
      make_probe_key
      start_probe generate "http://$(reachable "$host"):$port" "$served_name"
      ;;
    checking)
      probe_has_ended || return 0
      drop_probe_key
      [ "$probe_code" -eq 0 ] || fail_running "the gateway is there but does not answer: $(tail -n 1 "$run/probe.err")"
      say INFO "A first answer through the gateway: $(cat "$run/probe")"
      say SUCCESS 'Model service is ready!'
      model_state=ready
      ever_ready=yes
      hang_since=0
      ;;
    ready)
      # A minute of work starts the row of failures anew.
      [ $((now - model_since)) -lt 60 ] || model_failures=0
      watch_for_hang
      ;;
  esac
}

# A server that lives but has not answered /health for two minutes hangs.
watch_for_hang() {
  if [ -n "${probe_pid:-}" ]; then
    probe_has_ended || return
    if [ "$probe_code" -eq 0 ]; then
      hang_since=0
    else
      [ "$hang_since" -ne 0 ] || hang_since=$now
      [ $((now - hang_since)) -lt 120 ] || model_ended 'has not answered for two minutes'
    fi
  elif [ $((ticks % 15)) -eq 0 ]; then
    start_probe health "http://127.0.0.1:$vllm_port"
  fi
}

probe_has_ended() {
  [ -n "${probe_pid:-}" ] || return 1
  kill -0 "$probe_pid" 2>/dev/null && return 1
  wait "$probe_pid"
  probe_code=$?
  probe_pid=
}

model_ended() {
  end_probe
  end_group "$model_pid" 5
  model_pid=
  model_state=down
  model_failures=$((model_failures + 1))
  if [ "$ever_ready" = no ] && [ "$model_failures" -ge 2 ]; then
    say ERROR "vLLM $1, for the second time, and never was ready. Its last errors:"
    grep -E '(ERROR|Error|error)' "$log_dir/vllm.log" | tail -n 5 | while IFS= read -r each; do say ERROR "  $each"; done
    fail_running 'the model cannot be started'
  fi
  pause=$(back_off "$model_failures")
  model_restart_at=$(($(date +%s) + pause))
  say ERROR "vLLM $1; it is started again in $pause s. Until then /health answers 503"
}

fail_running() {
  say ERROR "$1"
  say ERROR "  mend: read $log_dir/vllm.log and $log_dir/gateway.log"
  end_all "$shutdown_seconds"
  exit 1
}

# end_all SECONDS: the gateway first, so that nobody is told of a model that is gone; then the model.
end_all() {
  end_probe
  drop_probe_key
  [ -z "${gateway_pid:-}" ] || end_group "$gateway_pid" "$1"
  gateway_pid=
  [ -z "${model_pid:-}" ] || end_group "$model_pid" $(($1 > 0 ? 15 : 0))
  model_pid=
  # The last lines come out.
  # shellcheck disable=SC2086
  [ -z "${follower_pids:-}" ] || wait $follower_pids 2>/dev/null
  follower_pids=
}

# end_group PID SECONDS: asks the group to end, and ends what is left of it after that time.
end_group() {
  end_until=$(($(date +%s) + $2))
  if [ "$2" -gt 0 ]; then
    # The leader alone: it tells its children itself, in the order that loses nothing.
    kill -s TERM "$1" 2>/dev/null
    while kill -0 "$1" 2>/dev/null && [ "$(date +%s)" -lt "$end_until" ]; do
      sleep 0.2 &
      wait $! 2>/dev/null
    done
  fi
  kill -s KILL -- "-$1" 2>/dev/null
  wait "$1" 2>/dev/null
}

# The check asks as a client would: with a key that was given, or with one of the gateway's store that is made for it and revoked.
make_probe_key() {
  if [ -n "$api_key_file" ]; then
    probe_key=$(sed '/^[[:space:]]*$/d;/^#/d' "$api_key_file" | head -n 1 | tr -d '[:space:]')
  elif [ -n "${DUANYUN_API_KEY:-}" ]; then
    probe_key=${DUANYUN_API_KEY%%,*}
  elif has_stored_keys; then
    probe_key=$("$gateway" keys create --name 'launch check' --expires 1h 2>"$run/key" </dev/null) || probe_key=
    probe_key_id=$(sed -n 's/^Key \([^ ]*\) for .*/\1/p' "$run/key")
  fi
}

drop_probe_key() {
  [ -z "${probe_key_id:-}" ] || "$gateway" keys revoke "$probe_key_id" >/dev/null 2>&1 </dev/null
  probe_key='' probe_key_id=''
}

# 0.0.0.0 and :: are no addresses to call.
reachable() {
  case $1 in
    0.0.0.0) echo 127.0.0.1 ;;
    ::) echo '[::1]' ;;
    *:*) echo "[$1]" ;;
    *) echo "$1" ;;
  esac
}
