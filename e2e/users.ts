import { randomInt } from "node:crypto";

/** Enough that two tests never have the same user, and small enough for JSON.parse. */
const USER_MAX = 2 ** 47;

/** A user that no other test has. */
export function newUser(): number {
  return randomInt(1, USER_MAX);
}
