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
  if [ -d "$root/$project/bin/Release" ]; then echo "purser: building $(basename "$project")" >&2
  else echo "purser: building $(basename "$project") for the first time; this fetches packages and takes a minute or several" >&2; fi
  # Stamped before the build, so that what changes meanwhile is built the next time.
  touch "$stamp.new"
  : >"$log"
  tell_steps "$log" &
  local teller=$! code=0
  # To a file and not through a pipe: the compiler's server outlives the build and would hold the pipe open.
  dotnet build "$root/$project" -c Release -v m -tl:off -nologo </dev/null >"$log" 2>&1 || code=$?
  kill "$teller" 2>/dev/null || true
  wait "$teller" 2>/dev/null || true
  if [ "$code" -ne 0 ]; then
    grep -E 'error|warn' "$log" | sort -u | head -20 >&2
    echo "purser: the build failed; see $log" >&2
    exit 1
  fi
  mv "$stamp.new" "$stamp"
}

# A line for each part that is ready, so that a long build is not a silent one.
tell_steps() {
  local told=0 steps
  while kill -0 $$ 2>/dev/null; do
    sleep 1
    steps=$(sed -n -e 's/^ *Restored .*\/\([^/]*\)\.csproj.*/purser:   packages of \1/p' -e 's/^ *\([A-Za-z.]*\) -> .*/purser:   \1 is built/p' "$1")
    if [ -n "$steps" ]; then
      printf '%s\n' "$steps" | tail -n "+$((told + 1))" >&2
      told=$(printf '%s\n' "$steps" | wc -l)
    fi
  done
}

changed_since() {
  local found
  found=$(cd "$root" && find src gateways samples db tests bench ./*.props ./*.slnx global.json .editorconfig \
    \( -name bin -o -name obj -o -name node_modules -o -name TestResults \) -prune -o -newer "$1" -type f -print 2>/dev/null | head -1)
  [ -n "$found" ]
}
