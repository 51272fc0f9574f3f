#!/usr/bin/env bash
# The step of the GitHub Action: run `adjourn check` or `adjourn run`, write reports and outputs, pass on the exit code.
# Everything comes from the environment; see action.yml.
set -uo pipefail
adjourn="$RUNNER_TEMP/adjourn/bin/adjourn"
reports=${INPUT_REPORTS:-adjourn-reports}
mkdir -p "$reports"
arguments=()
while IFS= read -r line; do
  [ -z "$line" ] || arguments+=("$line")
done <<<"${INPUT_ARGUMENTS:-}"

case "$INPUT_COMMAND" in
  check)
    "$adjourn" check "$TRIGGER_API_URL" --profile "$INPUT_PROFILE" \
      --report "$reports/adjourn.json" --report "$reports/adjourn.xml" \
      --report "$reports/adjourn.sarif" --report "$reports/adjourn.html" ${arguments[@]+"${arguments[@]}"}
    code=$?
    ;;
  run)
    # The suite gets the mock's URL and key from `adjourn run`, not the inputs of a check.
    unset TRIGGER_API_URL TRIGGER_SECRET_KEY ADJOURN_OTHER_SECRET_KEY
    "$adjourn" run --journal "$reports/journal.jsonl" ${arguments[@]+"${arguments[@]}"} -- bash -euo pipefail -c "$INPUT_RUN"
    code=$?
    ;;
  *)
    echo "::error::the input command must be check or run, not '$INPUT_COMMAND'"
    code=2
    ;;
esac

{
  echo "exit-code=$code"
  echo "reports=$reports"
  if [ -f "$reports/adjourn.json" ]; then
    python3 - "$reports/adjourn.json" <<'PYTHON'
import collections
import json
import sys

states = collections.Counter(each["state"] for each in json.load(open(sys.argv[1], encoding="utf-8"))["clauses"])
for state in ("passed", "failed", "not checked"):
    print(f"{state.replace(' ', '-')}={states[state]}")
PYTHON
  fi
} >>"$GITHUB_OUTPUT"
exit "$code"
