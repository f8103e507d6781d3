# Sourced by the npm scripts that run TypeScript. Without the development packages, they run the
# machine's Node. One below 24 would print a stack trace about the extension ".ts".
if [ ! -e node_modules/.bin/node ] &&
  ! node -e 'process.exit(Number(parseInt(process.versions.node) < 24))'; then
  echo "Node 24 is required, and the machine has $(node -v): npm ci installs Node 24," \
    "without --omit=dev or --ignore-scripts, and with NODE_ENV unset" >&2
  exit 1
fi
