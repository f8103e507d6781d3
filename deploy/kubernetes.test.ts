import { readdirSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { parseAllDocuments } from "yaml";
import { CART_SETTINGS } from "../cart/config.ts";
import { LOMS_SETTINGS } from "../loms/config.ts";
import { NOTIFIER_SETTINGS } from "../notifier/config.ts";

interface Container {
  readonly image: string;
  readonly args?: readonly string[];
  readonly ports: readonly { readonly name: string; readonly containerPort: number }[];
  readonly env: readonly { readonly name: string }[];
}

const read = (path: string) => readFileSync(new URL(path, import.meta.url), "utf8");
const manifests = readdirSync(new URL("kubernetes", import.meta.url))
  .flatMap((file) => parseAllDocuments(read(`kubernetes/${file}`)))
  .map((document) => document.toJS());
const containers = new Map<string, Container>(
  manifests.filter(({ kind }) => kind === "Deployment")
    .map(({ metadata, spec }) => [metadata.name, spec.template.spec.containers[0]]),
);
const kustomization = manifests.find(({ kind }) => kind === "Kustomization");

test("each setting is read by a service", () => {
  const shared: string[] = kustomization.configMapGenerator[0].literals;
  const known = new Set([...CART_SETTINGS, ...LOMS_SETTINGS, ...NOTIFIER_SETTINGS]);
  const names = shared.map((literal) => literal.split("=")[0]);
  expect(names.filter((name) => !known.has(name ?? ""))).toEqual([]);
  const own = { cart: CART_SETTINGS, loms: LOMS_SETTINGS, notifier: NOTIFIER_SETTINGS };
  for (const [service, settings] of Object.entries(own)) {
    const given = containers.get(service)?.env.map(({ name }) => name) ?? [];
    expect(given.filter((name) => !settings.includes(name)), service).toEqual([]);
    expect(given, service).not.toEqual([]);
  }
});

test("services listen where the manifests expect", () => {
  const listening = Array.from(
    read("../Dockerfile").matchAll(/(CART|LOMS|NOTIFIER)_(HTTP|GRPC)=0\.0\.0\.0:(\d+)/g),
    ([, service = "", port = "", number]) =>
      [service, port, Number(number)].join(" ").toLowerCase(),
  );
  const declared = ["cart", "loms", "notifier"].flatMap((service) =>
    containers.get(service)?.ports.map(({ name, containerPort }) =>
      [service, name, containerPort].join(" ")
    )
  );
  expect(declared).toEqual(expect.arrayContaining(listening));
});

test("the proxy equals that of docker-compose.yml, with the listeners of its file", () => {
  const proxy = containers.get("proxy");
  expect(read("../docker-compose.yml")).toContain(`image: ${proxy?.image}\n`);
  const bound = Array.from(
    read("haproxy/haproxy.cfg").matchAll(/bind :(\d+)/g),
    ([, port]) => port,
  );
  const declared = proxy?.ports.map(({ containerPort }) => String(containerPort)) ?? [];
  expect(bound).toEqual(expect.arrayContaining(declared));
});

test("every deployment has a disruption budget, probes, limits and a pause before it stops", () => {
  const budgets = manifests.filter(({ kind }) => kind === "PodDisruptionBudget")
    .map(({ metadata }) => metadata.name);
  expect(budgets.toSorted()).toEqual([...containers.keys()].toSorted());
  for (const [name, container] of containers) {
    expect(container, name).toMatchObject({
      startupProbe: {},
      readinessProbe: {},
      livenessProbe: {},
      resources: { requests: {}, limits: {} },
      lifecycle: { preStop: {} },
    });
  }
});
