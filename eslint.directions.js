// Which room may import which, and which room is the home of which package: docs/architecture.md.

const SERVICES = ["cart", "loms", "notifier"];

/** The one home of each package; every other folder goes through what that home exports. */
const PACKAGE_HOMES = [
  { packages: "hono|@hono|swagger-ui-dist", homes: ["shared/http", "*/http"] },
  { packages: "@grpc|grpc-health-check", homes: ["shared/grpc"] },
  { packages: "postgres", homes: ["shared/postgres"] },
  { packages: "kafkajs|pg-boss", homes: ["shared/bus"] },
  { packages: "tslog|prom-client|@opentelemetry|pprof-format", homes: ["shared/telemetry"] },
];

/** What a room of a service may not import, and what to do instead. */
const ROOMS = [
  {
    room: "domain",
    forbidden: ["http", "grpc", "rpc", "bus", "repository", "outbox", "clients", "sink"],
    remedy: "The domain names what it needs in domain/deps.ts; service.ts passes it in.",
  },
  ...["http", "grpc", "rpc", "bus"].map((room) => ({
    room,
    forbidden: ["repository", "outbox", "clients", "sink"],
    remedy: "A door calls an operation of the domain; storage is behind domain/deps.ts.",
  })),
  ...["repository", "outbox", "clients", "sink"].map((room) => ({
    room,
    forbidden: ["http", "grpc", "rpc", "bus"],
    remedy: "Storage and clients implement domain/deps.ts and know no door.",
  })),
];

function homesRule(folder) {
  return PACKAGE_HOMES
    .filter(({ homes }) => !homes.includes(folder) && !homes.includes(`*/${folder.split("/")[1]}`))
    .map(({ packages, homes }) => ({
      regex: `^(${packages})(/|$)`,
      message: `Its home is ${homes.join(", ")}; import what that exports instead.`,
    }));
}

/** Imports of another service, or of what only people and tests use, from anywhere below `name`. */
function foreignRule(name) {
  const others = [...SERVICES, "stack", "e2e", "bench"].filter((other) => other !== name);
  return {
    regex: `^(\\.\\./)+(${others.join("|")})/`,
    message: "A service imports no other service and no test tool; they meet in proto/.",
  };
}

function roomRules(service) {
  return ROOMS.map(({ room, forbidden, remedy }) => ({
    files: [`${service}/${room}/**/*.ts`],
    ignores: ["**/*.test.ts", "**/*-contract.ts"],
    rules: {
      "no-restricted-imports": ["error", {
        patterns: [
          foreignRule(service),
          { regex: `^(\\.\\./)+(${service}/)?(${forbidden.join("|")})/`, message: remedy },
          ...(room === "domain"
            ? [{
              regex: "^(?!\\.)|/shared/(?!errors|async/)",
              message: "The domain imports nothing but itself, shared/errors and shared/async.",
            }]
            : homesRule(`${service}/${room}`)),
        ],
      }],
    },
  }));
}

function folderRule(folder, foreign) {
  return {
    files: [`${folder}/**/*.ts`],
    ignores: ["**/*.test.ts", "**/*-contract.ts"],
    rules: {
      "no-restricted-imports": ["error", { patterns: [foreign, ...homesRule(folder)] }],
    },
  };
}

const SHARED_FOREIGN = {
  regex: `^(\\.\\./)+(${[...SERVICES, "stack", "e2e", "bench"].join("|")})/`,
  message: "shared/ and proto/ know no service; take what is needed as a parameter.",
};

export const directions = [
  ...SERVICES.map((service) => folderRule(service, foreignRule(service))),
  ...SERVICES.flatMap(roomRules),
  ...["proto", "shared", "shared/async", "shared/http", "shared/grpc", "shared/postgres"]
    .map((folder) => folderRule(folder, SHARED_FOREIGN)),
  ...["shared/bus", "shared/telemetry", "shared/products"]
    .map((folder) => folderRule(folder, SHARED_FOREIGN)),
];
