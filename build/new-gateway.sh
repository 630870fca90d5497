# shellcheck shell=bash
# A gateway's folder as templates/gateway has it, under another name. Sourced by ./purser, which sets root.

: "${root:?}"

template_name=AcmePay
first_free_port=7420

new_gateway() {
  local name=${1:-} folder lower port file
  if [ $# -ne 1 ] || ! [[ $name =~ ^[A-Z][A-Za-z0-9]*$ ]]; then
    echo "purser: say new-gateway NAME, where NAME is letters and digits and begins with a capital, such as Northwind." >&2
    return 2
  fi
  lower=$(printf '%s' "$name" | tr '[:upper:]' '[:lower:]')
  folder=$root/gateways/$name
  if [ -n "$(find "$root/gateways" -mindepth 1 -maxdepth 1 -iname "$name")" ]; then
    echo "purser: there is a gateway $name already." >&2
    return 1
  fi
  port=$(next_port)
  mkdir "$folder"
  while IFS= read -r file; do
    mkdir -p "$(dirname "$folder/${file//$template_name/$name}")"
    sed -e "s/$template_name/$name/g" -e "s/acmepay/$lower/g" -e "s/DefaultPort => [0-9]*/DefaultPort => $port/" \
      "$root/templates/gateway/$file" >"$folder/${file//$template_name/$name}"
  done < <(cd "$root/templates/gateway" && find . -type f \( -name '*.cs' -o -name '*.md' \) | sed 's|^\./||')
  echo "gateways/$name is there; its simulator's port is $port. Now read docs/adding-a-gateway.md."
}

# One above the highest in use, so that two gateways never ask for the same port.
next_port() {
  local highest
  highest=$(find "$root/gateways" -path '*/Simulator/*.cs' -exec sed -n 's/.*DefaultPort => \([0-9]*\).*/\1/p' {} + | sort -n | tail -1)
  if [ "${highest:-0}" -ge "$first_free_port" ]; then echo $((highest + 1)); else echo "$first_free_port"; fi
}
