# shellcheck shell=bash
# Every check; what needs no clock runs beside what waits. Sourced by ./purser, which sets root. The last line counts.

: "${root:?}"

passed=0
failed=0
skipped=0
redeemed=0
verdicts=()
unsteady=()

# More failures than these in one project are no accident.
most_second_tries=3

# A test that hangs must not hang everything: milliseconds for one project's tests.
longest_project_ms=1000000

verdict() {
  verdicts+=("$1")
  echo "$1"
}

# A check that is not a test project counts as one.
check() {
  local name=$1 started=$SECONDS
  shift
  echo "--- $name"
  if "$@" </dev/null; then
    passed=$((passed + 1))
    verdict "$name: passed ($((SECONDS - started)) s)"
  else
    failed=$((failed + 1))
    verdict "$name: FAILED ($((SECONDS - started)) s)"
    return 1
  fi
}

dismiss_compiler() {
  dotnet build-server shutdown --vbcscompiler >/dev/null 2>&1 || true
}

build_all() {
  local log=$root/.purser/build.log
  dotnet restore "$root/Purser.slnx" --locked-mode -v q -nologo >"$log" 2>&1 &&
    # One compiler for all projects, whatever the machine's habit; it is sent away below.
    dotnet build "$root/Purser.slnx" --no-restore -c Release -warnaserror -v q -nologo -p:UseSharedCompilation=true >>"$log" 2>&1 &&
    dismiss_compiler && return 0
  dismiss_compiler
  grep -E 'error|warn' "$log" | sort -u | head -40
  return 1
}

# Style and analyzers have spoken in the build. Tables in machines and mappings are set as tables.
format_all() {
  local format=(dotnet format whitespace Purser.slnx --no-restore --exclude './**/*Machine.cs' './**/*Mapping.cs')
  "${format[@]}" --verify-no-changes -v q && return 0
  echo "Mend it with: ${format[*]}"
  return 1
}

install_npm_packages() {
  local lock folder
  while IFS= read -r lock; do
    folder=$(dirname "$lock")
    if [ "$folder/node_modules/.package-lock.json" -nt "$lock" ]; then continue; fi
    (cd "$folder" && npm ci --ignore-scripts --no-audit --no-fund --silent) || return 1
  done < <(find "$root" \( -name node_modules -o -name bin -o -name obj -o -name .purser -o -name .git \) -prune -o -name package-lock.json -print)
}

# Runs the tests of one project and leaves its results, its output's code and its seconds beside them. $2: only these.
run_tests() {
  local project=$1 results started=$SECONDS code=0 which=()
  results=$root/.purser/results/$(basename "$project" .csproj)${2:+.again}
  [ -z "${2:-}" ] || which=(--filter "$2")
  rm -rf "$results" "$results.again"
  mkdir -p "$results"
  dotnet test "$project" --no-build -c Release -nologo -v q "${which[@]}" --logger "trx;LogFileName=results.trx" --logger "console;verbosity=minimal" \
    --results-directory "$results" -- RunConfiguration.TestSessionTimeout=$longest_project_ms </dev/null || code=$?
  echo "$code $((SECONDS - started))" >"$results/ended"
}

# The methods that failed, a line each.
failures() {
  sed -n 's/.*<UnitTestResult .*testName="\([^"(]*\).*outcome="Failed".*/\1/p' "$root/.purser/results/$1/results.trx" 2>/dev/null | sort -u
}

# Tests that speak with servers, browsers and other processes have a second try, alone, when a few of a project failed: what fails twice fails. What failed
# once is shown, named, and counted apart before the last line, for it is to be mended. Tests of simulated time have one try.
try_again() {
  local name names
  name=$(basename "$1" .csproj)
  names=$(failures "$name")
  { [ -n "$names" ] && [ "$(wc -l <<<"$names")" -le $most_second_tries ]; } || return 0
  ! grep -q '^Test Run Aborted' "$root/.purser/$name.log" || return 0
  echo "A second try for: ${names//$'\n'/, }" >>"$root/.purser/$name.log"
  run_tests "$1" "$(sed 's/^/FullyQualifiedName=/' <<<"$names" | paste -sd'|')" >>"$root/.purser/$name.log" 2>&1
}

# $1: results of a second try; $2: how many had failed.
passed_again() {
  local code counters
  [ -s "$1/ended" ] && read -r code _ <"$1/ended" && [ "$code" -eq 0 ] || return 1
  counters=$(counters_of "$1")
  [ "$(counter failed "$counters")" -eq 0 ] && [ "$(counter passed "$counters")" -ge "$2" ]
}

run_one_by_one() {
  local project
  for project in "$@"; do run_tests "$project" >"$root/.purser/$(basename "$project" .csproj).log" 2>&1; done
}

# The tests of servers and gateways mostly wait: all of them at once. Those of simulated time need a processor and no clock, and give way to them.
run_all_tests() {
  local project quiet=() running=()
  for project in "$@"; do
    case $project in
      */Purser.Tests.csproj | */Purser.Simulation.csproj) quiet+=("$project") ;;
      *)
        # Little of what a test calls is called often: to compile it a second time, better, costs more than it brings. (Hexadecimal; those of simulated time compute, and are left alone.)
        (export DOTNET_TC_CallCountThreshold=400; run_one_by_one "$project"; try_again "$project") &
        running+=($!)
        ;;
    esac
  done
  (renice -n 10 -p "$BASHPID" >/dev/null 2>&1; run_one_by_one "${quiet[@]}") &
  running+=($!)
  wait "${running[@]}" || true
  for project in "$@"; do
    echo "--- $(basename "$project" .csproj)"
    cat "$root/.purser/$(basename "$project" .csproj).log"
    count_tests "$project"
  done
}

# Adds the counts of one project. A project that crashes, or runs nothing, fails; one that was cut short has one failure more, for the tests that never
# ran are counted nowhere.
count_tests() {
  local name results counters code=1 seconds=0
  name=$(basename "$1" .csproj)
  results=$root/.purser/results/$name
  [ -s "$results/ended" ] && read -r code seconds <"$results/ended"
  counters=$(counters_of "$results")
  local total ran good bad again=0
  total=$(counter total "$counters") ran=$(counter executed "$counters")
  good=$(counter passed "$counters") bad=$((ran - good))
  if grep -q '^Test Run Aborted' "$root/.purser/$name.log" 2>/dev/null; then
    echo "$name was aborted after $total tests; those that had not ended are counted nowhere."
    bad=$((bad + 1))
  elif [ "$total" -eq 0 ] || { [ "$code" -ne 0 ] && [ "$bad" -eq 0 ]; }; then
    echo "$name ended with code $code after $total tests."
    bad=$((bad + 1))
  fi
  if [ "$bad" -gt 0 ] && passed_again "$results.again" "$bad"; then
    mapfile -t -O ${#unsteady[@]} unsteady < <(failures "$name")
    again=$bad bad=0
  fi
  passed=$((passed + good))
  failed=$((failed + bad))
  skipped=$((skipped + total - ran))
  redeemed=$((redeemed + again))
  local line="$name: $good passed, $bad failed, $((total - ran)) skipped"
  [ "$again" -eq 0 ] || line="$line, $again passed at the second try only"
  verdict "$line ($seconds s)"
}

counters_of() {
  sed -n 's/.*<Counters \(.*\)\/>.*/\1/p' "$1/results.trx" 2>/dev/null | head -1
}

counter() {
  local value
  value=$(printf ' %s' "$2" | sed -n "s/.* $1=\"\([0-9]*\)\".*/\1/p")
  echo "${value:-0}"
}

# Projects with tests in them; the simulation may be a program only.
test_projects() {
  local project
  for project in "$root"/tests/*/*.csproj; do
    case $project in
      *.Tests.csproj) echo "$project" ;;
      *) if grep -rqE '\[(Fact|Theory|Property)' --include='*.cs' "$(dirname "$project")"; then echo "$project"; fi ;;
    esac
  done
}

simulate_briefly() {
  local log=$root/.purser/simulation.log
  local code=0
  dotnet "$root/tests/Purser.Simulation/bin/Release/net10.0/Purser.Simulation.dll" --orders 2000 --seed 1 >"$log" 2>&1 || code=$?
  tail -40 "$log"
  [ -s "$log" ] && [ "$code" -eq 0 ]
}

last_line() {
  local line="$((passed + redeemed)) passed, $failed failed"
  [ "$skipped" -eq 0 ] || line="$line, $skipped skipped"
  [ "$redeemed" -eq 0 ] || echo "Of the passed, $redeemed at the second try only"
  echo "$line"
}

run_all_checks() {
  need_dotnet
  need_postgres
  need_node
  need_chromium
  need_hledger
  need_harfbuzz
  cd "$root" || return 1
  local projects
  check "npm packages" install_npm_packages || true
  if check "build" build_all; then
    check "format" format_all || true
    mapfile -t projects < <(test_projects)
    run_all_tests "${projects[@]}"
    check "simulation" simulate_briefly || true
  fi
  echo
  printf '%s\n' "${verdicts[@]}"
  [ ${#unsteady[@]} -eq 0 ] || printf 'Passed at the second try only, mend it: %s\n' "${unsteady[@]}"
  echo
  last_line
  [ "$failed" -eq 0 ]
}
