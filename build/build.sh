# shellcheck shell=bash
# Building in Release, once for each state of the sources. Sourced by ./purser, which sets root.

: "${root:?}"

program_of() {
  case $1 in
    src/Purser.Server) echo purser-server ;;
    src/Purser.Sandbox) echo purser-sandbox ;;
    *) basename "$1" ;;
  esac
}

# Builds a project unless nothing has changed since its last build: even an idle msbuild takes seconds.
build_project() {
  local project=$1 stamp log
  stamp=$root/.purser/built-$(basename "$project")
  log=$stamp.log
  if [ -f "$stamp" ] && [ -f "$root/$project/bin/Release/net10.0/$(program_of "$project").dll" ] && ! changed_since "$stamp"; then return 0; fi
  echo "purser: building $(basename "$project")" >&2
  # Stamped before the build, so that what changes meanwhile is built the next time.
  touch "$stamp.new"
  if ! dotnet build "$root/$project" -c Release -v q -nologo </dev/null >"$log" 2>&1; then
    grep -E 'error|warn' "$log" | sort -u | head -20 >&2
    echo "purser: the build failed; see $log" >&2
    exit 1
  fi
  mv "$stamp.new" "$stamp"
}

changed_since() {
  local found
  found=$(cd "$root" && find src gateways db tests bench ./*.props ./*.slnx global.json .editorconfig \
    \( -name bin -o -name obj -o -name node_modules -o -name TestResults \) -prune -o -newer "$1" -type f -print 2>/dev/null | head -1)
  [ -n "$found" ]
}
