import type { Parameter } from "./command.ts";
import { COMMANDS } from "./commands.ts";

/** Not in the table of commands: it goes on until it is stopped. */
export const WATCH = {
  takes: ["user?"],
  about: "prints each notification as it comes, of one user or of all, until Ctrl-C",
} as const;

const NAME_WIDTH = 30;

const HEAD = `npm run shop                     reads commands from a prompt
npm run shop -- COMMAND …        runs one command
npm run shop -- --json COMMAND … prints the answer, or the problem, as JSON

`;
const FOOT = `
Exit code 0: done. 1: refused, or no answer. 2: usage error. It uses the system that npm start
runs; CART_URL, LOMS_URL and PRODUCT_URL name another one.
`;
const SESSION_HEAD = `Your user stays, so commands are written without it, and without the order
for the one that you checked out last. A checkout agrees to the total that cart showed last.
Notifications to your user appear automatically.

`;
const SESSION_COMMANDS = [
  line("user [USER]", "switches to another user, or to a new one"),
  line("help", "shows this"),
  line("quit", "or Ctrl-D"),
];

export function usage(): string {
  const lines = Object.entries({ ...COMMANDS, watch: WATCH })
    .map(([name, { takes, about }]) => line(`${name} ${takes.map(shown).join(" ")}`, about));
  return `${HEAD}${lines.join("\n")}\n${FOOT}`;
}

/** What can be said in a session. */
export function sessionUsage(): string {
  const lines = Object.entries(COMMANDS).map(([name, { takes, about }]) => {
    const written = (takes as readonly Parameter[]).filter((parameter) => parameter !== "user")
      .map((parameter) => parameter === "order" ? "[ORDER]" : shown(parameter));
    return line(`${name} ${written.join(" ")}`, about);
  });
  return `${SESSION_HEAD}${[...lines, ...SESSION_COMMANDS].join("\n")}\n`;
}

function shown(parameter: Parameter): string {
  const name = parameter.replace("?", "").toUpperCase();
  return parameter.endsWith("?") ? `[${name}]` : name;
}

function line(left: string, about: string): string {
  return `  ${left.padEnd(NAME_WIDTH)}${about}`;
}
