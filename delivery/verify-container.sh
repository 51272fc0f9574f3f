#!/usr/bin/env bash
# Run the steps of the Dockerfile, and those of the GitHub Action, in a clean Debian root, for machines without a Docker
# engine. Needs root and debootstrap.
#   delivery/verify-container.sh [ROOT]      ROOT is made by debootstrap when it does not exist, else it is used again
set -euo pipefail
cd "$(dirname "$0")/.."
root=${1:-$(mktemp -d)/root}
port=${ADJOURN_PORT:-3039}
if [ ! -d "$root/usr" ]; then
  debootstrap --variant=minbase --include=python3,python3-venv,ca-certificates bookworm "$root" >"$root.log" 2>&1 ||
    { tail -20 "$root.log"; exit 1; }
fi
rm -rf "$root/source" "$root/opt/adjourn" "$root/state"
mkdir -p "$root/source" "$root/usr/local/lib/adjourn" "$root/usr/local/bin"
git ls-files -z | xargs -0 cp --parents --target-directory "$root/source"
cp /etc/resolv.conf "$root/etc/resolv.conf"
# A machine may reach its package index through a proxy with an authority of its own.
cp /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/ca-certificates.crt"
proxies=$(env | grep -iE '^(https?|all|no)_proxy=' || true)
run() { chroot "$root" /usr/bin/env -i PATH=/opt/adjourn/bin:/usr/bin:/bin HOME=/ "$@"; }

echo "== RUN python -m venv, pip install"
ln -sf /usr/bin/python3 "$root/usr/local/bin/python"
chroot "$root" /usr/bin/env -i HOME=/ PATH=/usr/bin:/bin $proxies ${PIP_INDEX_URL:+PIP_INDEX_URL=$PIP_INDEX_URL} \
  PIP_CERT=/etc/ssl/certs/ca-certificates.crt sh -euc '
  python3 -m venv /opt/adjourn
  cd /source && /opt/adjourn/bin/pip install --quiet --no-cache-dir --disable-pip-version-check ".[redis]"'

echo "== RUN groupadd, useradd, install; COPY"
run sh -euc 'getent group adjourn >/dev/null || groupadd --gid 10001 adjourn
  getent passwd adjourn >/dev/null || useradd --uid 10001 --gid adjourn --no-create-home --shell /usr/sbin/nologin adjourn
  install --directory --owner adjourn --group adjourn /state' 2>/dev/null ||
  chroot "$root" sh -euc 'PATH=/usr/sbin:/sbin:/usr/bin:/bin
    getent group adjourn >/dev/null || groupadd --gid 10001 adjourn
    getent passwd adjourn >/dev/null || useradd --uid 10001 --gid adjourn --no-create-home --shell /usr/sbin/nologin adjourn
    install --directory --owner adjourn --group adjourn /state'
install --mode=0755 delivery/entrypoint.sh delivery/healthcheck.py "$root/usr/local/lib/adjourn/"

start() {
  chroot --userspec=10001:10001 "$root" /usr/bin/env -i PATH=/opt/adjourn/bin:/usr/bin:/bin PYTHONUNBUFFERED=1 ADJOURN_PORT="$port" \
    ${TOKEN:+ADJOURN_CONTROL_TOKEN=$TOKEN} /usr/local/lib/adjourn/entrypoint.sh --store sqlite:/state/adjourn.db >"$root/tmp/log" 2>&1 &
  mock=$!
  trap 'kill $mock 2>/dev/null || true' EXIT
  for _ in $(seq 100); do
    run ADJOURN_PORT="$port" python /usr/local/lib/adjourn/healthcheck.py 2>/dev/null && return
    sleep 0.1
  done
  cat "$root/tmp/log"
  return 1
}
stop() { kill "$mock"; wait "$mock" || true; trap - EXIT; }

echo "== ENTRYPOINT without a token: one is generated and printed, and guards the control API"
TOKEN='' start
grep -q 'the control token of this container is' "$root/tmp/log"
token=$(sed -n 's/.*control token of this container is //p' "$root/tmp/log")
url=http://127.0.0.1:$port
test "$(curl -s -o /dev/null -w '%{http_code}' "$url/_adjourn/environments")" = 401
test "$(curl -s -o /dev/null -w '%{http_code}' -H "Authorization: Bearer $token" "$url/_adjourn/environments")" = 200
test "$(ps -o uid= -p "$(pgrep -f "adjourn mock --host 0.0.0.0 --port $port" | head -1)" | tr -d ' ')" = 10001
call() { curl -sS --fail-with-body -H 'Authorization: Bearer tr_dev_adjourn' -H 'Content-Type: application/json' "$@"; }
call "$url/api/v1/sessions" -d '{"type": "chat.agent", "taskIdentifier": "t", "externalId": "chat_1", "triggerConfig": {"basePayload": {}}}' >/dev/null
stop

echo "== the state survives in the volume; the token comes from the environment"
TOKEN=given start
call "$url/api/v1/sessions/chat_1/close" -d '{"reason": "user signed out"}' | grep -q '"closedReason":"user signed out"'
test "$(curl -s -o /dev/null -w '%{http_code}' -H 'Authorization: Bearer given' "$url/_adjourn/environments")" = 200

echo "== the steps of the action, against that server"
# A step runs as a runner would run it: its script, with the inputs in its environment.
step() {
  chroot "$root" /usr/bin/env -i HOME=/ PATH=/usr/bin:/bin $proxies ${PIP_INDEX_URL:+PIP_INDEX_URL=$PIP_INDEX_URL} \
    PIP_CERT=/etc/ssl/certs/ca-certificates.crt RUNNER_TEMP=/runner GITHUB_ACTION_PATH=/source GITHUB_OUTPUT=/runner/output \
    INPUT_COMMAND=check INPUT_PROFILE=smoke INPUT_ARGUMENTS=--allow-incomplete INPUT_REPORTS=/runner/reports \
    TRIGGER_API_URL="$url" TRIGGER_SECRET_KEY=tr_dev_adjourn ADJOURN_OTHER_SECRET_KEY=tr_stg_adjourn \
    bash -euo pipefail -c "$(run python -c 'import sys, yaml
steps = yaml.safe_load(open("/source/action.yml"))["runs"]["steps"]
print(next(step["run"] for step in steps if step["name"] == sys.argv[1]))' "$1")"
}
rm -rf "$root/runner"
mkdir "$root/runner"
step 'Install adjourn'
step 'Run adjourn'
grep -qx 'exit-code=0' "$root/runner/output"
grep -q '^passed=[1-9]' "$root/runner/output"
test -s "$root/runner/reports/adjourn.sarif"
stop
echo "the steps of the container and of the action passed"
