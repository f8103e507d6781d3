import { expect } from "vitest";
import { call } from "./http.ts";
import { type GrpcAnswer, grpcCall, type GrpcDetail } from "./grpc.ts";
import type { SharedShop } from "./own-stack.ts";
import { TRACEPARENT } from "./problems.ts";

export type LomsMethod =
  | "OrderCreate"
  | "OrderInfo"
  | "OrderList"
  | "OrderPay"
  | "OrderCancel"
  | "StocksInfo"
  | "StocksInfoList";

/** A response in the terms that both transports share. */
export interface Outcome {
  /** "ok", or a code of the error vocabulary. */
  readonly code: string;
  /** The response as JSON text: ids as integers with every digit. */
  readonly response: string;
  readonly message: string;
  /** The trace id in an error; every call here has {@link TRACEPARENT}. */
  readonly traceId?: string;
  /** The broken rules, as many as gRPC reports. */
  readonly violations: readonly Violation[];
  readonly shortage?: Shortage;
  /** The details of a failed precondition, which a problem has in other fields. */
  readonly preconditions: readonly Precondition[];
}

interface Violation {
  readonly path: string;
  readonly message: string;
}

interface Shortage {
  readonly orderId: number;
  readonly skus: readonly { sku: number; requested: number; available: number }[];
  readonly skusTotal: number;
}

interface Precondition {
  readonly type: string;
  readonly subject: string;
  readonly description: string;
}

export interface Transport {
  readonly name: "gateway" | "gRPC";
  call(
    method: LomsMethod,
    request: string,
    headers?: Readonly<Record<string, string>>,
  ): Promise<Outcome>;
}

const PATHS = {
  OrderCreate: "/v1/order/create",
  OrderInfo: "/v1/order/info",
  OrderList: "/v1/order/list",
  OrderPay: "/v1/order/pay",
  OrderCancel: "/v1/order/cancel",
  StocksInfo: "/v1/stock/info",
  StocksInfoList: "/v1/stock/info-list",
} as const satisfies Record<LomsMethod, string>;

/** The contract's table: HTTP status and gRPC code of each error code. */
export const STATUSES: Readonly<Record<string, { http: number; grpc: number }>> = {
  ok: { http: 200, grpc: 0 },
  invalid_argument: { http: 400, grpc: 3 },
  not_found: { http: 404, grpc: 5 },
  already_exists: { http: 409, grpc: 6 },
  failed_precondition: { http: 412, grpc: 9 },
  resource_exhausted: { http: 429, grpc: 8 },
  unavailable: { http: 503, grpc: 14 },
  deadline_exceeded: { http: 504, grpc: 4 },
  internal: { http: 500, grpc: 13 },
};
/** The limit in the contract of the proto; a problem has no limit. */
const VIOLATIONS_MAX = 20;
/** Fields in the order in which the gateway writes them. */
const FIELDS = (
  "orders orderID status user created_at items sku count price total_price reason next_page_token"
).split(" ");
const INT64_FIELDS = /"(orderID|user|count|total_price)":"([0-9]+)"/g;

const DOMAIN = "loms.marketplace";

interface FieldViolation {
  readonly field: string;
  readonly description: string;
}

interface ShortSku {
  readonly sku: number;
  readonly requested: number;
  readonly available: number | string;
}

/** loms' two transports, which return the same responses. */
export function lomsTransports({ urls }: Pick<SharedShop, "urls">): readonly Transport[] {
  return [gatewayTransport(urls.loms ?? ""), grpcTransport(urls.lomsGrpc)];
}

function gatewayTransport(base: string): Transport {
  return {
    name: "gateway",
    async call(method, request, headers) {
      const { status, text, body } = await call(base, `POST ${PATHS[method]}`, {
        body: request,
        headers: { traceparent: TRACEPARENT, ...headers },
      });
      if (status === 200) return { ...SUCCESS, response: text };
      const code = String(body.code);
      const message = String(body.detail);
      if (STATUSES[code]?.http !== status) {
        throw new Error(`HTTP ${status} has the code ${code}: ${text}`);
      }
      const shortage = body.skus === undefined ? undefined : {
        orderId: body.order_id as number,
        skus: body.skus as Shortage["skus"],
        skusTotal: body.skus_total as number,
      };
      return {
        code,
        response: "",
        message,
        traceId: String(body.trace_id),
        violations: (body.errors ?? []).slice(0, VIOLATIONS_MAX),
        ...shortage && { shortage },
        preconditions: code === "failed_precondition" ? preconditionsOf(message, shortage) : [],
      };
    },
  };
}

/** A problem in the terms of `google.rpc.PreconditionFailure`. */
function preconditionsOf(message: string, shortage: Shortage | undefined): Precondition[] {
  if (!shortage) return [{ type: "STATE", subject: "", description: message }];
  return shortage.skus.map(({ sku, requested, available }) => ({
    type: "STOCK",
    subject: `sku:${sku}`,
    description: `${requested} requested, ${available} in stock`,
  }));
}

const SUCCESS = { code: "ok", message: "", violations: [], preconditions: [] } as const;

function grpcTransport(address: string): Transport {
  return {
    name: "gRPC",
    async call(method, request, headers) {
      const answer = await grpcCall(address, `loms.v1.Loms/${method}`, request, {
        headers: { traceparent: TRACEPARENT, ...headers },
      });
      if (answer.code === 0) {
        const response = JSON.stringify(answer.body, FIELDS).replaceAll(INT64_FIELDS, '"$1":$2');
        return { ...SUCCESS, response };
      }
      return refusalOf(answer);
    },
  };
}

function refusalOf({ code: number, message, details }: GrpcAnswer): Outcome {
  const detail = (name: string) => details.find((each) => each["@type"].endsWith(`/${name}`));
  const code = Object.entries(STATUSES).find(([, { grpc }]) => grpc === number)?.[0] ?? "";
  const shortage = shortageOf(detail("loms.v1.OrderShortage"));
  const violations = detail("google.rpc.BadRequest")?.["field_violations"];
  const preconditions = detail("google.rpc.PreconditionFailure")?.["violations"];
  return {
    code,
    response: "",
    message,
    traceId: traceIdOf(detail("google.rpc.ErrorInfo"), code, { message, shortage }),
    violations: ((violations ?? []) as FieldViolation[]).map(({ field, description }) => ({
      path: field,
      message: description,
    })),
    ...shortage && { shortage },
    preconditions: (preconditions ?? []) as Precondition[],
  };
}

/** @throws {Error} if the `google.rpc.ErrorInfo` contradicts the other details */
function traceIdOf(
  info: GrpcDetail | undefined,
  code: string,
  { message, shortage }: { readonly message: string; readonly shortage: Shortage | undefined },
): string {
  const existing = /belongs to order (\d+)/.exec(message)?.[1];
  const entries = (info?.["metadata"] ?? []) as { key: string; value: string }[];
  const metadata = Object.fromEntries(entries.map(({ key, value }) => [key, value]));
  const { trace_id = "", ...facts } = metadata;
  const given = { reason: info?.["reason"], domain: info?.["domain"], ...facts };
  const expected = {
    reason: code.toUpperCase(),
    domain: DOMAIN,
    ...existing && { order_id: existing },
    ...shortage && { order_id: `${shortage.orderId}`, skus_total: `${shortage.skusTotal}` },
  };
  expect(given).toEqual(expected);
  return trace_id;
}

function shortageOf(detail: GrpcDetail | undefined): Shortage | undefined {
  return detail && {
    orderId: Number(detail["orderID"]),
    skus: (detail["skus"] as ShortSku[]).map((short) => ({
      ...short,
      available: Number(short.available),
    })),
    skusTotal: Number(detail["skusTotal"]),
  };
}
