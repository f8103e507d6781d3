import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer, type Server } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { readSpans } from "../../stack/otlp/read-spans.ts";
import { freePorts } from "../../stack/ports.ts";
import { startAlone } from "../alone.ts";
import { eventually } from "../eventually.ts";
import { createAuthority, readCertified } from "./certificates.ts";

const programs = inject("foreign");

describe.skipIf(!programs)("a collector with a certificate of openssl", () => {
  let directory: string;
  let collector: Server;
  let settings: Record<string, string>;
  const spans: string[] = [];

  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), "collector-"));
    const authority = createAuthority(programs?.openssl ?? "", directory);
    const own = readCertified(authority.certify("collector", "DNS:localhost,IP:127.0.0.1"));
    const client = authority.certify("client", "DNS:client");
    // It verifies its clients, too.
    const callers = { ca: readFileSync(authority.ca), requestCert: true, rejectUnauthorized: true };
    collector = createServer({ ...own, ...callers }, async (request, response) => {
      const parts: Uint8Array[] = [];
      for await (const part of request) parts.push(part as Uint8Array);
      spans.push(...readSpans(gunzipSync(Buffer.concat(parts))).map(({ name }) => name));
      response.end();
    });
    await new Promise<void>((resolve) => collector.listen(0, "127.0.0.1", resolve));
    const { port } = collector.address() as AddressInfo;
    settings = {
      OTEL_EXPORTER_OTLP_ENDPOINT: `https://127.0.0.1:${port}`,
      OTEL_EXPORTER_OTLP_CERTIFICATE: authority.ca,
      OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE: client.cert,
      OTEL_EXPORTER_OTLP_CLIENT_KEY: client.key,
      OTEL_EXPORTER_OTLP_COMPRESSION: "gzip",
    };
  });
  afterAll(() => {
    collector.closeAllConnections();
    collector.close();
    rmSync(directory, { recursive: true });
  });

  /** The outcome of the spans of one request to a cart, from its metrics. */
  async function cartSays(runtime: "node" | "deno", given: Record<string, string>) {
    const [port, profilePort] = await freePorts(2);
    const url = `http://127.0.0.1:${port}`;
    const addresses = {
      CART_HTTP: `127.0.0.1:${port}`,
      CART_PROFILE: `127.0.0.1:${profilePort}`,
    };
    const cart = await startAlone("cart", { ...addresses, ...given }, url, runtime);
    try {
      const answer = await fetch(`${url}/user/1/cart/list`);
      await answer.body?.cancel();
      const outcome = /^trace_spans_total\{.*outcome="(exported|lost)".*\} ([1-9][0-9]*)$/m;
      return await eventually(async () => {
        const metrics = await (await fetch(`${url}/metrics`)).text();
        const [, name] = outcome.exec(metrics) ?? [];
        expect(name).toBeDefined();
        return name;
      });
    } finally {
      cart.signal("SIGTERM");
      await cart.ended;
    }
  }

  test.each(["node", "deno"] as const)("receives the spans of a cart on %s", async (runtime) => {
    spans.length = 0;
    expect(await cartSays(runtime, settings)).toBe("exported");
    expect(spans).toContain("GET /user/{user_id}/cart/list");
  });

  test.each(["node", "deno"] as const)(
    "receives nothing from a cart on %s that does not trust its authority",
    async (runtime) => {
      spans.length = 0;
      const { OTEL_EXPORTER_OTLP_CERTIFICATE: _, ...others } = settings;
      expect(await cartSays(runtime, others)).toBe("lost");
      expect(spans).toEqual([]);
    },
  );
});
