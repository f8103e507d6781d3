// Which folder may import which, and which folder is the home of which package:
// docs/architecture.md.

const SERVICES = ["cart", "loms", "notifier"];
const SERVICE_REMEDY =
  "A service imports no other service and no test tool; shared contracts are in proto/.";

/** What the source of each top folder may import besides itself, and what to do instead. */
const TOP_FOLDERS = {
  proto: {
    allowed: [],
    remedy: "proto/ imports no other folder; move what it needs here.",
  },
  shared: {
    allowed: ["proto"],
    remedy: "shared/ imports no service; take what is needed as a parameter.",
  },
  drizzle: {
    allowed: ["proto", "shared"],
    remedy: "A schema imports no service; what both need belongs in proto/.",
  },
  cart: { allowed: ["proto", "shared"], remedy: SERVICE_REMEDY },
  loms: { allowed: ["drizzle", "proto", "shared"], remedy: SERVICE_REMEDY },
  notifier: { allowed: ["drizzle", "proto", "shared"], remedy: SERVICE_REMEDY },
  stack: {
    allowed: [...SERVICES, "proto", "shared"],
    remedy: "The launcher imports no tool and no test; what both need belongs in stack/.",
  },
  tools: {
    allowed: [...SERVICES, "drizzle", "proto", "shared", "stack"],
    remedy: "A tool imports no test and no deployment; what both need belongs in tools/ or stack/.",
  },
  e2e: {
    allowed: ["drizzle", "loms", "proto", "shared", "stack", "tools"],
    remedy: "Black-box tests use the system over its ports; start it with stack/.",
  },
  bench: {
    allowed: [...SERVICES, "drizzle", "proto", "shared", "stack"],
    remedy: "A benchmark imports what it measures and what starts it, no test and no tool.",
  },
  deploy: {
    allowed: [...SERVICES, "proto", "shared", "stack"],
    remedy: "An image holds services and what starts them, no test and no tool.",
  },
};

/** What each folder of shared may import of the others. Files right in shared are open to all. */
const SHARED_FOLDERS = {
  async: [],
  "http-client": ["async"],
  telemetry: ["async"],
  otlp: ["async", "http-client", "telemetry"],
  postgres: ["async", "telemetry"],
  grpc: ["async", "telemetry"],
  http: ["async", "http-client", "telemetry"],
  bus: ["async", "postgres", "telemetry"],
  valkey: ["async", "telemetry"],
  products: ["async", "http-client", "telemetry"],
};
const SHARED_REMEDY =
  "The folders of shared import each other in one direction; pass it in, or move it to shared/.";

/** The one home of each package; every other folder uses what that home exports. */
const PACKAGE_HOMES = [
  { packages: "hono|@hono|swagger-ui-dist", homes: ["shared/http", "*/http"] },
  { packages: "@grpc|grpc-health-check", homes: ["shared/grpc"] },
  { packages: "postgres", homes: ["shared/postgres"] },
  { packages: "kafkajs|pg-boss", homes: ["shared/bus"] },
  { packages: "ioredis", homes: ["shared/valkey"] },
  { packages: "tslog|prom-client|pprof-format", homes: ["shared/telemetry"] },
  { packages: "@opentelemetry", homes: ["shared/otlp"] },
];

/** Top folders whose own programs and tests may use every package. */
const FREE_OF_HOMES = ["stack", "tools", "e2e", "bench", "deploy"];

const STORAGE = ["repository", "outbox", "clients", "sink"];

/** What the folders of a service may not import, and what to do instead. */
const SERVICE_FOLDERS = {
  domain: {
    forbidden: ["http", "grpc", "rpc", "bus", ...STORAGE],
    remedy: "The domain names what it needs in domain/deps.ts; service.ts passes it in.",
  },
  rpc: {
    forbidden: ["http", "grpc", "shared/http", "shared/grpc", ...STORAGE],
    remedy: "Methods and their chain import no transport and no storage; take it as a parameter.",
  },
  ...Object.fromEntries(["http", "grpc", "bus"].map((folder) => [folder, {
    forbidden: STORAGE,
    remedy: "A transport calls an operation of the domain; storage is behind domain/deps.ts.",
  }])),
  ...Object.fromEntries(STORAGE.map((folder) => [folder, {
    forbidden: ["http", "grpc", "rpc", "bus"],
    remedy: "Storage and clients implement domain/deps.ts and import no transport.",
  }])),
};

/** Static and dynamic imports, exports from a module, types with `import()`, and `require()`. */
function rule(folder, patterns) {
  const restrictions = patterns.map(({ regex, message }) => {
    const value = `value=/${regex.replaceAll("/", "\\u002F")}/`;
    return { selector: `[source.${value}], [callee.name=require][arguments.0.${value}]`, message };
  });
  return {
    files: [`${folder}/**/*.{ts,js}`],
    ignores: ["**/*.test.ts", "**/*-contract.ts", "**/test/**"],
    rules: { "no-restricted-syntax": ["error", ...restrictions] },
  };
}

function homePatterns(folder) {
  const [top, below] = folder.split("/");
  if (FREE_OF_HOMES.includes(top)) return [];
  return PACKAGE_HOMES
    .filter(({ homes }) => !homes.includes(folder) && !homes.includes(`*/${below}`))
    .map(({ packages, homes }) => ({
      regex: `^(${packages})(/|$)`,
      message: `Its home is ${homes.join(", ")}; import what that exports instead.`,
    }));
}

function topPattern(folder) {
  const { allowed, remedy } = TOP_FOLDERS[folder];
  const forbidden = Object.keys(TOP_FOLDERS)
    .filter((other) => other !== folder && !allowed.includes(other));
  return { regex: `^(\\.\\./)+(${forbidden.join("|")})/`, message: remedy };
}

function sharedRule([folder, allowed]) {
  const forbidden = Object.keys(SHARED_FOLDERS)
    .filter((other) => other !== folder && !allowed.includes(other));
  return rule(`shared/${folder}`, [
    topPattern("shared"),
    { regex: `^(\\.\\./)+(shared/)?(${forbidden.join("|")})/`, message: SHARED_REMEDY },
    ...homePatterns(`shared/${folder}`),
  ]);
}

const DOMAIN_PATTERN = {
  regex: "^(?!\\.)|/shared/(?!errors|async/)",
  message: "The domain imports nothing but itself, proto, shared/errors and shared/async.",
};

function serviceRules(service) {
  return Object.entries(SERVICE_FOLDERS).map(([folder, { forbidden, remedy }]) =>
    rule(`${service}/${folder}`, [
      topPattern(service),
      { regex: `^(\\.\\./)+(${service}/)?(${forbidden.join("|")})/`, message: remedy },
      ...(folder === "domain" ? [DOMAIN_PATTERN] : homePatterns(`${service}/${folder}`)),
    ])
  );
}

export const directions = [
  ...Object.keys(TOP_FOLDERS).map((folder) =>
    rule(folder, [topPattern(folder), ...homePatterns(folder)])
  ),
  ...Object.entries(SHARED_FOLDERS).map(sharedRule),
  ...SERVICES.flatMap(serviceRules),
];
