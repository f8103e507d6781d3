/** The names of fields and parameters whose values must not be logged. */
const SECRET_NAMES = "password|passwd|token|authorization|secret|cookie|api[_-]?key";
const MASK = "***";
/** Deeper nesting is cut: causes of errors end before. */
const DEPTH_MAX = 10;

/** A name may be longer, as in PRODUCT_TOKEN. */
const SECRET_NAME = new RegExp(`(?:${SECRET_NAMES})$`, "i");
/** Checked first: most lines contain none of these words, and masking costs ten times more. */
const SUSPICIOUS = new RegExp(`${SECRET_NAMES}|bearer|basic |://[^\\s"]*@`, "i");
/** A password in a URL, as in postgres://user:password@host, which may hold an `@` or a `/`. */
const URL_PASSWORD = /(:\/\/[^\s:/@"]*:)[^\s"]*@/g;
/** An HTTP service may take a token as the user, without a password: http://token@host. */
const URL_TOKEN = /(https?:\/\/)[^\s:/?#@"]+@/g;
/** `"token":"abc"` in JSON; and in JSON that is a text within JSON: `\"token\":\"abc\"`. */
const JSON_FIELD = new RegExp(
  `("[\\w-]*(?:${SECRET_NAMES})"\\s*:\\s*)(?:"(?:[^"\\\\]|\\\\.)*"|[^",{}[\\]\\s]+)`,
  "gi",
);
const JSON_TEXT_FIELD = new RegExp(
  String.raw`(\\"[\w-]*(?:${SECRET_NAMES})\\"\s*:\s*)` +
    String.raw`(?:\\"(?:[^"\\]|\\\\(?:\\.|[^\\"]))*\\"|[^"\\,{}[\]\s]+)`,
  "gi",
);
/** `?token=abc`, `token=abc`, `authorization: abc`. */
const PARAMETER = new RegExp(
  `(\\b[\\w-]*(?:${SECRET_NAMES})\\s*[=:]\\s*)(?!["\\\\])[^\\s&"',;}\\\\]+`,
  "gi",
);
const CREDENTIALS = /\b(bearer|basic) +[\w+/=.~-]+/gi;

/**
 * The rendered record, with secrets masked in fields, URLs, messages and causes. A line without a
 * suspicious word is unchanged.
 */
export function redacted<Fields extends object>(
  record: Fields,
  render: (record: Fields) => string,
): string {
  const line = render(record);
  return SUSPICIOUS.test(line) ? redactText(render(maskFields(record) as Fields)) : line;
}

/** The text with every secret masked that is recognizable by the text before it. */
export function redactText(text: string): string {
  return redactUrls(text)
    .replace(CREDENTIALS, `$1 ${MASK}`)
    .replace(JSON_FIELD, `$1"${MASK}"`)
    .replace(JSON_TEXT_FIELD, `$1\\"${MASK}\\"`)
    .replace(PARAMETER, `$1${MASK}`);
}

/** The text with the credentials of its URLs masked. */
export function redactUrls(text: string): string {
  return text.replace(URL_PASSWORD, `$1${MASK}@`).replace(URL_TOKEN, `$1${MASK}@`);
}

function maskFields(value: unknown, depth = 0): unknown {
  if (typeof value !== "object" || value === null || depth > DEPTH_MAX) return value;
  if (Array.isArray(value)) return value.map((each) => maskFields(each, depth + 1));
  const fields = Object.entries(value).map(([name, field]): [string, unknown] => [
    name,
    SECRET_NAME.test(name) ? MASK : maskFields(field, depth + 1),
  ]);
  return Object.fromEntries(fields);
}
