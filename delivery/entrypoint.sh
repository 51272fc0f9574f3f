#!/bin/sh
# Start the mock for callers outside of the container. They are not on its loopback address, so the control API and
# the dashboard need a token: ADJOURN_CONTROL_TOKEN, or one that is generated here and printed once.
set -eu
if [ -z "${ADJOURN_CONTROL_TOKEN:-}" ]; then
  ADJOURN_CONTROL_TOKEN=$(python -c 'import secrets; print(secrets.token_urlsafe(24))')
  echo "ADJOURN_CONTROL_TOKEN is not set; the control token of this container is $ADJOURN_CONTROL_TOKEN" >&2
fi
export ADJOURN_CONTROL_TOKEN
exec adjourn mock --host 0.0.0.0 --port "${ADJOURN_PORT:-3031}" "$@"
