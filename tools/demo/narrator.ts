import { isDeepStrictEqual } from "node:util";
import { createDirectFetch } from "../../shared/http-client/direct-fetch.ts";
import { redactUrls } from "../../shared/redact.ts";
import { parseJson } from "../../shared/json.ts";

/** A request without an answer within this time fails the demo. */
const ANSWER_TIMEOUT_MS = 10_000;
/** Longer answers are cut. */
const SHOWN_MAX = 300;

const directFetch = createDirectFetch();

/** An expectation that failed. */
export class BrokenPromise extends Error {
  override readonly name = "BrokenPromise";
}

export interface Answer {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
}

export interface Request {
  readonly body?: object | undefined;
  /** Sent as a bearer token, and not printed. */
  readonly token?: string | undefined;
  /** The expected status; default 200. */
  readonly expected?: number;
}

/** Prints each step as it happens: the action, the request, the answer, and the checks. */
export class Narrator {
  readonly #print: (line: string) => void;
  steps = 0;
  /** The current step, for the message about a failure. */
  title = "";

  constructor(print: (line: string) => void) {
    this.#print = print;
  }

  begin(title: string): void {
    this.steps++;
    this.title = title;
    this.#print(`\n${this.steps}. ${title}`);
  }

  say(line: string): void {
    this.#print(`   ${line}`);
  }

  /**
   * Sends a request as a step.
   * @throws {BrokenPromise} if it is answered with another status, or not at all
   */
  async call(
    title: string,
    method: string,
    url: string,
    { body, token, expected = 200 }: Request = {},
  ): Promise<Answer> {
    this.begin(title);
    const sent = body && JSON.stringify(body);
    this.say(`${method} ${redactUrls(url)}${sent ? ` ${sent}` : ""}`);
    const answer = await this.#send(url, {
      method,
      headers: {
        ...sent !== undefined && { "content-type": "application/json" },
        ...token !== undefined && { authorization: `Bearer ${token}` },
      },
      ...sent !== undefined && { body: sent },
    });
    this.check("the status", answer.status, expected);
    return answer;
  }

  /** @throws {BrokenPromise} if the two differ */
  check(what: string, actual: unknown, promised: unknown): void {
    if (isDeepStrictEqual(actual, promised)) return;
    throw new BrokenPromise(`${what} is ${show(actual)}, expected was ${show(promised)}`);
  }

  async #send(url: string, request: RequestInit): Promise<Answer> {
    try {
      const signal = AbortSignal.timeout(ANSWER_TIMEOUT_MS);
      const response = await directFetch(url, { ...request, signal });
      const text = await response.text();
      const shown = text.length > SHOWN_MAX ? `${text.slice(0, SHOWN_MAX)}…` : text;
      this.say(`${response.status} ${shown}`);
      return { status: response.status, body: (text ? parseJson(text) : {}) as Answer["body"] };
    } catch (error) {
      throw new BrokenPromise("no answer", { cause: error });
    }
  }
}

function show(value: unknown): string {
  return JSON.stringify(value, (_, each) => typeof each === "bigint" ? String(each) : each) ??
    String(value);
}
