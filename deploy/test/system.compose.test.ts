import { readdirSync } from "node:fs";
import { join } from "node:path";
import { expect, inject, test } from "vitest";
import { call } from "../../e2e/http.ts";
import { shopAt } from "../../e2e/shop.ts";
import { containersOf, eventually, jsonLines } from "./containers.ts";
import { CACHE, compose, podman, podmanMeanwhile, run, servicesWith } from "./engine.ts";

const project = inject("composeProject");
const containers = containersOf(project);
/** The published ports, as the compose file has them by default. */
const urls = {
  cart: "http://127.0.0.1:8082",
  loms: "http://127.0.0.1:8084",
  lomsGrpc: "127.0.0.1:50051",
  lomsAdmin: "http://127.0.0.1:8094",
  notifier: "http://127.0.0.1:8086",
  products: "http://127.0.0.1:8090",
};
const shop = shopAt({ urls });
const SKU = 1625903;
const OURS = ["cart", "loms", "notifier", "products"];
const EVERY_SERVICE = ["postgres-primary", "postgres-replica", "kafka", ...OURS, "proxy"];
const WATCHING = ["grafana", "jaeger", "kafka-ui", "prometheus"];
/** The `stop_grace_period` of our services. */
const GRACE_S = 15;
const NOTIFIERS = 3;

let users = 0;
/** Buys and pays as a new user, and repeats requests that a restart has refused. */
async function purchase(): Promise<number> {
  const user = ++users;
  await eventually(() => shop.add(user, SKU, 1));
  const order = await eventually(() => shop.checkout(user));
  await eventually(() => shop.pay(order));
  return order;
}

/** The notifications of an order, in the order of its events. */
function notifications(order: number, notifiers = 1): unknown[] {
  const logs = Array.from({ length: notifiers }, (_, at) => containers.logs("notifier", at + 1));
  return logs.flatMap(jsonLines)
    .filter((line) => line.order_id === order)
    .toSorted((a, b) => Number(a.seq) - Number(b.seq))
    .map((line) => line.status);
}

async function expectNotified(order: number, notifiers = 1): Promise<void> {
  const shown = () => {
    expect(notifications(order, notifiers)).toEqual(["new", "awaiting payment", "payed"]);
  };
  await eventually(shown);
}

test.skipIf(!project)("the compose files conform to the Compose specification", () => {
  const checker = join(CACHE, "tools/bin/check-jsonschema");
  const files = ["docker-compose.yml", "docker-compose.ha.yml"];
  run(checker, ["--builtin-schema", "vendor.compose-spec", ...files]);
});

test.skipIf(!project)("the manifests conform to Kubernetes' schemas", () => {
  const manifests = readdirSync("deploy/kubernetes").filter((file) =>
    file !== "kustomization.yaml"
  );
  expect(manifests).not.toEqual([]);
  const files = manifests.map((file) => join("deploy/kubernetes", file));
  run(join(CACHE, "tools/bin/kubernetes-validate"), ["--strict", ...files]);
});

test.skipIf(!project)("the profile observability adds containers that watch, and core none", () => {
  const core = [...EVERY_SERVICE, "migrate"];
  expect(servicesWith("observability")).toEqual([...core, ...WATCHING].toSorted());
  expect(servicesWith("core")).toEqual(core.toSorted());
});

test.skipIf(!project)("`up` migrates once and leaves every container healthy", async () => {
  expect(containers.stateOf("migrate")).toMatchObject({ Running: false, ExitCode: 0 });
  for (const service of EVERY_SERVICE) {
    await eventually(() => expect(containers.isHealthy(service), service).toBe(true));
  }
});

test.skipIf(!project)("a purchase through the published ports is notified", async () => {
  await expectNotified(await purchase());
  for (const url of [urls.cart, urls.loms, urls.notifier, urls.products]) {
    expect((await call(url, "GET /readyz")).status, url).toBe(200);
  }
});

test.skipIf(!project)("the migrations run a second time and change nothing", async () => {
  const stock = await shop.stock(SKU);
  podman("start", "--attach", containers.nameOf("migrate"));
  expect(containers.stateOf("migrate")).toMatchObject({ Running: false, ExitCode: 0 });
  expect(await shop.stock(SKU)).toBe(stock);
});

test.skipIf(!project)("a commit waits for the replica", async () => {
  const standbys = "select application_name, sync_state, state from pg_stat_replication";
  expect(containers.sql("postgres-primary", standbys)).toBe("replica1|sync|streaming");
  expect(containers.sql("postgres-primary", "show synchronous_commit")).toBe("remote_apply");
  podman("pause", containers.nameOf("postgres-replica"));
  try {
    const refused = await shop.tryCreate(++users, [{ sku: SKU, count: 1 }]);
    expect([503, 504]).toContain(refused.status);
  } finally {
    podman("unpause", containers.nameOf("postgres-replica"));
  }
  await expectNotified(await purchase());
  const orders = "select count(*) from orders";
  expect(containers.sql("postgres-replica", orders, "loms"))
    .toBe(containers.sql("postgres-primary", orders, "loms"));
});

test.skipIf(!project).each(EVERY_SERVICE)("%s is not root and can never become it", (service) => {
  expect(containers.exec(service, "id", "-u")).not.toBe("0");
  const status = containers.exec(service, "cat", "/proc/1/status");
  expect(status).toMatch(/^CapEff:\s0+$/m);
  expect(status).toMatch(/^CapBnd:\s0+$/m);
  expect(status).toMatch(/^NoNewPrivs:\s1$/m);
});

test.skipIf(!project).each([...OURS, "proxy"])("%s cannot write to its own files", (service) => {
  for (const path of ["/written", "/tmp/written", "/usr/local/written"]) {
    const { code, stderr } = containers.tryExec(service, "touch", path);
    expect(code, path).not.toBe(0);
    expect(stderr, path).toContain("Read-only file system");
  }
});

test.skipIf(!project).each(OURS)(
  "%s is not the first process, which would miss signals",
  (name) => {
    expect(containers.exec(name, "cat", "/proc/1/comm")).toBe("podman-init");
  },
);

test.skipIf(!project).each(EVERY_SERVICE)("%s is restarted after kill -9", async (service) => {
  const { Pid: before } = containers.stateOf(service);
  containers.kill(service);
  await eventually(() => {
    const { Running, Pid } = containers.stateOf(service);
    expect({ Running, isNew: Pid !== before }).toEqual({ Running: true, isNew: true });
    expect(containers.isHealthy(service)).toBe(true);
  });
  await expectNotified(await purchase());
});

test.skipIf(!project)("loms is unhealthy without its primary, and recovers with it", async () => {
  podman("stop", containers.nameOf("postgres-primary"));
  expect(containers.isHealthy("loms")).toBe(false);
  podman("start", containers.nameOf("postgres-primary"));
  await eventually(() => expect(containers.isHealthy("loms")).toBe(true));
  await expectNotified(await purchase());
});

test.skipIf(!project)("orders do not wait for Kafka, and their events are not lost", async () => {
  podman("stop", containers.nameOf("kafka"));
  const order = await purchase();
  expect(notifications(order)).toEqual([]);
  podman("start", containers.nameOf("kafka"));
  await expectNotified(order);
});

test.skipIf(!project)("with 2 loms and 3 notifiers, all of them work", async () => {
  // podman-compose uses the last --scale only.
  for (const [service, count] of [["loms", 2], ["notifier", NOTIFIERS]] as const) {
    const scale = ["--scale", `${service}=${count}`, service];
    compose(project, "up", "-d", "--no-recreate", "--no-deps", ...scale);
  }
  await eventually(() => {
    for (const index of [1, 2]) expect(containers.isHealthy("loms", index)).toBe(true);
    for (const index of [1, 2, 3]) expect(containers.isHealthy("notifier", index)).toBe(true);
  });
  await eventually(async () => {
    expect(await shop.stock(SKU)).toBeGreaterThan(0);
    await purchase();
    for (const backend of ["loms_http", "loms_grpc"]) {
      const served = containers.servedBy(backend);
      expect(served, backend).toHaveLength(2);
      expect(Math.min(...served), backend).toBeGreaterThan(0);
    }
  });
  // The key of an order selects its notifier: with enough orders each gets some.
  await eventually(async () => {
    await expectNotified(await purchase(), NOTIFIERS);
    for (const index of [1, 2, 3]) {
      const lines = jsonLines(containers.logs("notifier", index));
      expect(lines.some(({ order_id: order }) => order !== undefined), `${index}`).toBe(true);
    }
  });
});

test.skipIf(!project)(
  "no request or call is refused while one of two loms processes restarts",
  async () => {
    const restart = podmanMeanwhile("restart", "--time", `${GRACE_S}`, containers.nameOf("loms"));
    let isRestarting = true;
    const restarted = restart.finally(() => isRestarting = false);
    const user = ++users;
    const read = () => call(urls.loms, "POST /v1/stock/info", { body: { sku: SKU } });
    // A kept connection may be closed just as it is used again: the caller retries on another one.
    const byHttp = () => read().catch(read);
    const byGrpc = () => shop.tryAdd(user, SKU, 1);
    const failures: string[] = [];
    let answers = 0;
    while (isRestarting) {
      for (const { status, text } of [await byHttp(), await byGrpc()]) {
        answers++;
        if (status !== 200) failures.push(`${status} ${text}`);
      }
    }
    await restarted;
    expect(failures).toEqual([]);
    expect(answers).toBeGreaterThan(10);
  },
);

test.skipIf(!project)("after one of three notifiers is killed the others show all", async () => {
  containers.kill("notifier", 2);
  for (let orders = 0; orders < NOTIFIERS; orders++) {
    await expectNotified(await purchase(), NOTIFIERS);
  }
});

test.skipIf(!project)("our services stop within their grace period with exit code 0", async () => {
  const scaled: [string, number][] = [["loms", 2], ["notifier", 2], ["notifier", 3]];
  const all = [...OURS.map((service): [string, number] => [service, 1]), ...scaled];
  await eventually(() => {
    for (const container of all) expect(containers.stateOf(...container).Running).toBe(true);
  });
  podman(
    "stop",
    "--time",
    `${GRACE_S}`,
    ...all.map((container) => containers.nameOf(...container)),
  );
  for (const container of all) {
    const state = containers.stateOf(...container);
    expect(state, container.join(" ")).toMatchObject({ Running: false, ExitCode: 0 });
  }
});

test.skipIf(!project)("`down` leaves no container, network or volume", () => {
  compose(project, "down", "--volumes", "--remove-orphans");
  expect(podman("ps", "--all", "--quiet")).toBe("");
  expect(podman("network", "ls", "--format", "{{.Name}}")).toBe("podman");
  expect(podman("volume", "ls", "--quiet")).toBe("");
});
