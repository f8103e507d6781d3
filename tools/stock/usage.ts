import { COMMANDS } from "./commands.ts";

const HEAD = `npm run stock -- COMMAND …        runs one command
npm run stock -- --json COMMAND … prints the answer, or the problem, as JSON

`;
const FOOT = `
A REFERENCE names a change, as a delivery note does: sent again under the same one, it gets the
first answer and changes nothing. Without one, receive and count print one of their own.

import sets total_count; it ignores "reserved" in a file, which belongs to orders.
JSON is [{"sku": 1, "total_count": 2}, …], CSV has a header: sku,total_count. Every line is checked
before any is sent. They are sent in calls of a thousand, under REFERENCE#1, REFERENCE#2 and so
on. To continue after an interruption, run the import again.

Exit code 0: done. 1: refused, or no answer. 2: usage error. It uses the system that npm start
runs; LOMS_ADMIN_URL names another one, LOMS_ADMIN_TOKEN is its token.
`;

export function usage(): string {
  const lines = Object.entries(COMMANDS).map(([name, { takes, options, about }]) => {
    const shown = options.map(({ name: option, required }) => {
      const named = `--${option} ${option.toUpperCase()}`;
      return required ? named : `[${named}]`;
    });
    return `  ${[name, ...takes, ...shown].join(" ")}\n      ${about}`;
  });
  return `${HEAD}${lines.join("\n")}\n${FOOT}`;
}
