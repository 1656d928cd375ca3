#!/bin/sh
# The entry by hand. DUANYUN_BASE_URL=http://127.0.0.1:8000/v1 sh examples/curl.sh
set -eu
base=${DUANYUN_BASE_URL:-http://127.0.0.1:8000/v1}
key=${DUANYUN_API_KEY:-EMPTY}

echo "== health"
curl -sS --fail "${base%/v1}/health"
echo
echo "== models"
curl -sS --fail -H "authorization: Bearer $key" "$base/models"
echo
echo "== a streamed answer, with the headers that say where it ran"
curl -sS --fail -N -i -H "authorization: Bearer $key" -H 'content-type: application/json' "$base/chat/completions" \
  -d '{"model":"auto","stream":true,"max_tokens":40,"messages":[{"role":"user","content":"你是谁?"}]}'
