import { expect, test } from "vitest";
import { boundTimeout } from "./unary.ts";

test.each(["1n", "99999999n", "99999999u", "99999999m", "2147483S", "35791M", "596H", "0S"])(
  "boundTimeout() returns %s, which grpc-js reads correctly, unchanged",
  (text) => expect(boundTimeout(text)).toBe(text),
);

test.each(["2147484S", "99999999S", "35792M", "99999999M", "597H", "99999999H", "123456789012H"])(
  "boundTimeout() bounds %s",
  (text) => expect(boundTimeout(text)).toBe("2147483S"),
);

test.each(["", "S", "1", "-1S", "1.5S", "1s", "1S, 99999999S", " 1S"])(
  "boundTimeout() returns %j, which is not a timeout, unchanged",
  (text) => expect(boundTimeout(text)).toBe(text),
);
