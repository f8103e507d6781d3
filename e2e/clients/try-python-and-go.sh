#!/usr/bin/env bash
# Generates the Python and the Go clients from docs/api with their usual generators, as described in
# docs/clients.md, and makes a purchase with each on a running system: users 2^53 - 1, one beyond,
# and the maximum. Needs python3 and go; the packages come from PyPI and the Go module proxy.
#
#   npm start                                    # in another terminal
#   bash e2e/clients/try-python-and-go.sh [CART LOMS]
set -euo pipefail

cart=${1:-http://127.0.0.1:8082}
loms=${2:-http://127.0.0.1:8084}
here=$(cd "$(dirname "$0")" && pwd)
api=$here/../../docs/api
users=(9007199254740991 9007199254740993 9223372036854775807)
work=$(mktemp -d)
trap 'chmod -R u+w "$work"; rm -rf "$work"' EXIT
cd "$work"

python3 -m venv python
export PATH=$work/python/bin:$PATH
pip install --quiet openapi-python-client==0.29.1 ruff==0.14.6
for service in cart loms; do
  openapi-python-client generate --path "$api/$service.json" --output-path "$service-client"
done
pip install --quiet ./cart-client ./loms-client
for user in "${users[@]}"; do python "$here/purchase.py" "$cart" "$loms" "$user"; done

export GOBIN=$work/bin
go install github.com/oapi-codegen/oapi-codegen/v2/cmd/oapi-codegen@v2.8.2
mkdir -p go/cart go/loms
cp "$here/purchase.go" go/main.go
for service in cart loms; do
  bin/oapi-codegen -generate types,client -package $service \
    -o go/$service/client.go "$api/$service-3.0.json"
done
cd go
go mod init purchase
go mod tidy
go build -o ../bin/purchase .
for user in "${users[@]}"; do ../bin/purchase "$cart" "$loms" "$user"; done
