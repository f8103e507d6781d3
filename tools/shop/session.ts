import { createInterface, type Interface } from "node:readline/promises";
import { newUser } from "../demo/shop.ts";
import { followNotifications } from "../notifications.ts";
import { refusalOf } from "../refusal.ts";
import { UsageError } from "../tool.ts";
import {
  type Command,
  readArguments,
  type Session,
  type Shop,
  type ShopOutcome,
} from "./command.ts";
import { COMMANDS, isCommand, sessionUsage } from "./commands.ts";

export interface Terminal {
  readonly input: NodeJS.ReadableStream;
  readonly output: NodeJS.WritableStream & { readonly isTTY?: boolean };
}

/**
 * Runs commands one after the other until the input ends.
 * @returns whether all of them succeeded
 */
export async function runSession(shop: Shop, { input, output }: Terminal): Promise<boolean> {
  const session: Session = { user: BigInt(newUser()), order: undefined, total: undefined };
  const lines = createInterface({ input, output, terminal: output.isTTY ?? false });
  const notifications = showNotifications(shop, session, lines, output);
  let failed = false;
  const print = (text: string) => void output.write(`${text}\n`);
  const prompt = () => {
    // A script on a pipe gets no prompt, because its input ends before the first answer.
    if (!output.isTTY) return;
    lines.setPrompt(`user ${session.user}> `);
    lines.prompt();
  };
  print(`You are user ${session.user}. Try "products", then "add SKU"; "help" shows the rest.`);
  prompt();
  try {
    for await (const line of lines) {
      const words = line.trim().split(/\s+/).filter((word) => word !== "");
      if (words[0] === "quit") break;
      const shown = await answer(shop, session, words);
      failed ||= shown.failed;
      for (const each of shown.lines) print(each);
      prompt();
    }
  } finally {
    lines.close();
    notifications?.close();
  }
  return !failed;
}

interface Shown {
  readonly lines: readonly string[];
  readonly failed: boolean;
}

const shown = (...lines: string[]): Shown => ({ lines, failed: false });

async function answer(shop: Shop, session: Session, words: readonly string[]): Promise<Shown> {
  const [name, ...rest] = words;
  try {
    if (name === undefined) return shown();
    if (name === "help") return shown(sessionUsage());
    if (name === "user") return shown(`You are user ${changeUser(session, rest)}.`);
    if (!isCommand(name)) throw new UsageError(`There is no "${name}"; try "help"`);
    const given = readArguments(name, COMMANDS[name].takes, rest, session);
    const command: Command = COMMANDS[name];
    const outcome = await command.run(shop, given);
    remember(session, command, outcome);
    return shown(...outcome.lines);
  } catch (error) {
    if (error instanceof UsageError) return { lines: [error.message], failed: true };
    const { lines, total } = refusalOf(error);
    session.total = total ?? session.total;
    return { lines, failed: true };
  }
}

function remember(session: Session, { changesCart }: Command, { order, total }: ShopOutcome): void {
  session.order = order ?? session.order;
  session.total = changesCart ? undefined : total ?? session.total;
}

function changeUser(session: Session, words: readonly string[]): bigint {
  const { user } = readArguments("user", ["user?"], words);
  session.user = user || BigInt(newUser());
  session.order = undefined;
  session.total = undefined;
  return session.user;
}

/** Prints above the line that is being typed. */
function showNotifications(
  { notifierLog }: Shop,
  session: Session,
  lines: Interface,
  output: Terminal["output"],
) {
  if (notifierLog === undefined) return undefined;
  return followNotifications(notifierLog, ({ order_id, user_id, status, reason }) => {
    if (BigInt(user_id) !== session.user) return;
    const what = reason === undefined ? status : `${status} (${reason})`;
    output.write(
      `${output.isTTY ? "\r\x1b[K" : ""}  notification: order ${order_id} is ${what}\n`,
    );
    if (output.isTTY) lines.prompt(true);
  });
}
