import { existsSync, readdirSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { parse } from "yaml";

const read = (path: string) => readFileSync(new URL(path, import.meta.url), "utf8");
const compose = read("../docker-compose.yml");
const highlyAvailable = read("../docker-compose.ha.yml");
const services = compose.slice(compose.indexOf("\nservices:"), compose.indexOf("\nvolumes:"));
/** The text of each service, by name. */
const texts = new Map(
  services.split(/^ {2}(?=[a-z-]+:$)/m).slice(1)
    .map((text) => [/^[a-z-]+/.exec(text)?.[0] ?? "", text]),
);
const allOf = (text: string, pattern: RegExp) => Array.from(text.matchAll(pattern), ([, it]) => it);

test.each([
  ["docker-compose.yml", services, 7],
  ["docker-compose.ha.yml", highlyAvailable, 6],
])("every repository path that %s mounts exists", (_, text, fewest) => {
  const mounted = allOf(text, /\.\/(deploy\/[^:]+):/g);
  expect(mounted.length).toBeGreaterThan(fewest);
  for (const path of mounted) {
    expect(existsSync(new URL(`../${path}`, import.meta.url)), path).toBe(true);
  }
});

test("each setting of the compose files is in .env.example with its default", () => {
  const used = new Map(
    Array.from(
      `${compose}${highlyAvailable}`.matchAll(/\$\{(\w+):-([^}]*)\}/g),
      ([, name, value]) => [name, value],
    ),
  );
  const offered = new Map(
    Array.from(read("../.env.example").matchAll(/^(\w+)=(.*)$/gm), ([, name, value]) => [
      name,
      value,
    ]),
  );
  // These two are set in .env for the whole system, which is more than the core.
  used.set("COMPOSE_PROFILES", "observability");
  used.set("OTEL_EXPORTER_OTLP_ENDPOINT", "http://jaeger:4318");
  expect(Object.fromEntries(offered)).toEqual(Object.fromEntries(used));
  expect(read("../.env")).toContain(
    "\nCOMPOSE_PROFILES=observability\nOTEL_EXPORTER_OTLP_ENDPOINT=http://jaeger:4318\n",
  );
});

test("Prometheus scrapes each of our services at the address of its container", () => {
  const targets = Array.from(
    read("prometheus/prometheus.yml").matchAll(/names: \[(\w+)\], type: A, port: (\d+)/g),
    ([, name, port]) => [name, port],
  );
  const listening = Array.from(
    read("../Dockerfile").matchAll(/(CART|LOMS|NOTIFIER|PRODUCTS)_HTTP=0\.0\.0\.0:(\d+)/g),
    ([, name = "", port]) => [name.toLowerCase(), port],
  );
  const proxy = /frontend own\n +bind :(\d+)/.exec(read("haproxy/haproxy.cfg"))?.[1];
  expect(targets).toEqual([...listening, ["proxy", proxy]]);
});

test("Prometheus and Grafana find their files where they are mounted", () => {
  expect(texts.get("prometheus")).toContain("./deploy/prometheus:/etc/prometheus:ro");
  expect(read("prometheus/prometheus.yml")).toContain("rule_files:\n  - rules/*.yml\n");
  expect(readdirSync(new URL("prometheus/rules", import.meta.url))).not.toEqual([]);
  const [dashboards = ""] = allOf(
    read("grafana/provisioning/dashboards/marketplace.yml"),
    /^ +path: (\S+)$/gm,
  );
  expect(texts.get("grafana")).toContain(`./deploy/grafana/dashboards:${dashboards}:ro`);
  expect(texts.get("grafana")).toContain(
    "./deploy/grafana/provisioning:/etc/grafana/provisioning:ro",
  );
});

test("each data source of Grafana is a container, and each dashboard uses one of them", () => {
  const provisioned = read("grafana/provisioning/datasources/marketplace.yml");
  for (const host of allOf(provisioned, /^ +url: http:\/\/([a-z]+):\d+$/gm)) {
    expect([...texts.keys()]).toContain(host);
  }
  const provided = allOf(provisioned, /^ +uid: (\S+)$/gm);
  expect(provided.length).toBeGreaterThan(1);
  const folder = new URL("grafana/dashboards/", import.meta.url);
  for (const name of readdirSync(folder).filter((file) => file.endsWith(".json"))) {
    const requested = allOf(
      readFileSync(new URL(name, folder), "utf8"),
      /"datasource": \{[^}]*"uid": "([^"]+)"/g,
    );
    expect(requested.length, name).toBeGreaterThan(0);
    for (const uid of requested) expect([...provided, "-- Grafana --"], name).toContain(uid);
  }
});

test("services of both compose files get the same image and run the same commands", () => {
  for (const [name, text] of texts) {
    const command = /^    command: (\[\w+\/main\.ts\])$/m.exec(text)?.[1];
    if (command) expect(highlyAvailable, name).toContain(`    command: ${command}\n`);
  }
  const imagesOf = (text: string) => new Set(allOf(text, /image: ((?:apache|haproxy)\S+)/g));
  expect(imagesOf(highlyAvailable)).toEqual(imagesOf(compose));
});

test("every PostgreSQL has the settings that the services require", () => {
  const patroni = parse(read("patroni/patroni.yml")).bootstrap.dcs.postgresql.parameters;
  const plain = new Map(
    Array.from(
      read("postgres/postgresql.conf").matchAll(/^(\w+) = '(.*)'$/gm),
      ([, name, value]) => [
        name,
        value,
      ],
    ),
  );
  // Patroni sets these itself, or gets them from the image.
  const own = [
    ...["listen_addresses", "shared_buffers", "wal_level", "synchronous_standby_names"],
    ...["hot_standby", "wal_retrieve_retry_interval"],
  ];
  for (const name of own) plain.delete(name);
  const given = Object.fromEntries(
    Object.entries(patroni).map(([name, value]) => [name, String(value)]),
  );
  expect(given).toMatchObject(Object.fromEntries(plain));
});
