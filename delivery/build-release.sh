#!/usr/bin/env bash
# Build everything that a release consists of into a folder: sdist, wheel, npm package, SBOM.
#   delivery/build-release.sh DIST      needs uv or pip, and npm
set -euo pipefail
cd "$(dirname "$0")/.."
dist=$(realpath -m "${1:?usage: delivery/build-release.sh DIST}")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$dist"

install() { # FOLDER PACKAGE...: a virtual environment with these packages, by uv where there is one
  python3 -m venv "$1"
  if command -v uv >/dev/null; then
    uv pip install --quiet --python "$1/bin/python" "${@:2}"
  else
    "$1/bin/pip" install --quiet --disable-pip-version-check "${@:2}"
  fi
}

install "$work/tools" build twine cyclonedx-bom
"$work/tools/bin/python" -m build $(command -v uv >/dev/null && echo --installer=uv) --outdir "$dist" . >"$work/build.log" || { cat "$work/build.log"; exit 1; }
"$work/tools/bin/twine" check --strict "$dist"/*.whl "$dist"/*.tar.gz

# The version has one source; a wheel's name has it.
version=$(basename "$dist"/adjourn-*.whl | cut -d- -f2)
cp -r fixtures/node "$work/node"
rm -rf "$work/node/node_modules" "$work/node/dist"
(
  cd "$work/node"
  npm install --silent --no-audit --no-fund
  npm version --silent --no-git-tag-version --allow-same-version "$version" >/dev/null
  npm pack --silent --pack-destination "$dist"
)

# What a user installs, and nothing of this machine.
install "$work/installed" "$(echo "$dist"/adjourn-*.whl)[contract,redis,load]"
"$work/tools/bin/cyclonedx-py" environment --output-format JSON --output-file "$dist/adjourn-$version.sbom.json" "$work/installed"
ls -1 "$dist"
