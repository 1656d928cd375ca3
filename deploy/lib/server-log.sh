# shellcheck shell=sh disable=SC2034,SC2154 # the parts share their variables
# Lines for people: a level, who speaks, what.

log_level=${AUTOGLM_LOG_LEVEL:-info}

# say LEVEL TEXT
say() {
  case $1 in
    ERROR) printf '[%s] %s\n' "$1" "$2" >&2 ;;
    *) printf '[%s] %s\n' "$1" "$2" ;;
  esac
}

# fail CODE WHAT MEND: the end, with the command that mends it.
fail() {
  say ERROR "$2"
  say ERROR "  mend: $3"
  exit "$1"
}

# follow NAME FILE: reads the log of a program, writes all of it to FILE and the lines of the wanted levels, with level and name
# in front, to standard output. Lives until the program and all its children have closed their side.
follow() {
  trap '' INT TERM HUP
  case $log_level in
    debug) follow_wanted=0 ;;
    warn) follow_wanted=2 ;;
    error) follow_wanted=3 ;;
    *) follow_wanted=1 ;;
  esac
  follow_level=INFO
  follow_rank=1
  follow_written=0
  follow_return=$(printf '\r')
  follow_escape=$(printf '\033')
  while IFS= read -r follow_line || [ -n "$follow_line" ]; do
    # Of a progress bar, which returns to the start of its line, the last state.
    follow_line=${follow_line%"$follow_return"}
    follow_line=${follow_line##*"$follow_return"}
    [ -n "$follow_line" ] || continue
    while :; do
      case $follow_line in
        # Colours.
        *"${follow_escape}["*m*)
          follow_rest=${follow_line#*"${follow_escape}["}
          follow_line=${follow_line%%"${follow_escape}["*}${follow_rest#*m}
          ;;
        *) break ;;
      esac
    done
    case $follow_line in
      # vLLM: (APIServer pid=12) INFO 11-27 …
      '('*' pid='*') '*) follow_rest=${follow_line#*') '} ;;
      # The gateway: 12:00:01 info  …
      [0-9][0-9]:[0-9][0-9]:[0-9][0-9]' '*) follow_rest=${follow_line#* } ;;
      *) follow_rest=$follow_line ;;
    esac
    case $follow_rest in
      DEBUG* | 'debug '* | *'"level":"debug"'*) follow_level=DEBUG follow_rank=0 ;;
      INFO* | 'info '* | *'"level":"info"'*) follow_level=INFO follow_rank=1 ;;
      WARN* | 'warn '* | *'"level":"warn"'* | *Warning:*) follow_level=WARN follow_rank=2 ;;
      ERROR* | CRITICAL* | Traceback* | 'error '* | *'"level":"error"'*) follow_level=ERROR follow_rank=3 ;;
      ' '*) ;; # goes on from the line before
      *) follow_level=INFO follow_rank=1 ;;
    esac
    printf '%s\n' "$follow_line" >>"$2"
    # A disk does not fill: the file before this one is kept, no more.
    follow_written=$((follow_written + ${#follow_line} + 1))
    if [ "$follow_written" -gt 20000000 ]; then
      mv -f -- "$2" "$2.1"
      follow_written=0
    fi
    [ "$follow_rank" -lt "$follow_wanted" ] || printf '[%s] %s: %s\n' "$follow_level" "$1" "$follow_line"
  done
}
