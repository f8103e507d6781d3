import { call } from "./http.ts";
import { grpcCall } from "./grpc.ts";
import type { SharedShop } from "./own-stack.ts";

export type LomsMethod = "OrderCreate" | "OrderInfo" | "OrderPay" | "OrderCancel" | "StocksInfo";

/** An answer in the words that both doors have in common. */
export interface Outcome {
  /** "ok", or a code of the error vocabulary. */
  readonly code: string;
  /** The response as JSON text: ids as integers with every digit. */
  readonly response: string;
  readonly message: string;
  /** Paths of broken rules. */
  readonly paths: readonly string[];
  readonly shortage?: {
    readonly orderId: number;
    readonly skus: readonly { sku: number; requested: number; available: number }[];
    readonly skusTotal: number;
  };
}

export interface Door {
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
  OrderPay: "/v1/order/pay",
  OrderCancel: "/v1/order/cancel",
  StocksInfo: "/v1/stock/info",
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
/** Fields in the order that the gateway writes them, whatever order the decoder made. */
const FIELDS = ["orderID", "status", "user", "items", "sku", "count"];
const INT64_FIELDS = /"(orderID|user|count)":"([0-9]+)"/g;

interface ShortSku {
  readonly sku: number;
  readonly requested: number;
  readonly available: number | string;
}

/** loms' two doors, which answer alike. */
export function lomsDoors({ urls }: Pick<SharedShop, "urls">): readonly Door[] {
  return [gatewayDoor(urls.loms ?? ""), grpcDoor(urls.lomsGrpc)];
}

function gatewayDoor(base: string): Door {
  return {
    name: "gateway",
    async call(method, request, headers) {
      const { status, text, body } = await call(base, `POST ${PATHS[method]}`, {
        body: request,
        headers,
      });
      const code = status === 200 ? "ok" : String(body.code);
      if (STATUSES[code]?.http !== status) throw new Error(`HTTP ${status} says ${text}`);
      return {
        code,
        response: status === 200 ? text : "",
        message: String(body.detail ?? ""),
        paths: (body.errors ?? []).map(({ path }) => path),
        ...body.skus !== undefined && {
          shortage: {
            orderId: body.order_id as number,
            skus: body.skus as { sku: number; requested: number; available: number }[],
            skusTotal: body.skus_total as number,
          },
        },
      };
    },
  };
}

function grpcDoor(address: string): Door {
  return {
    name: "gRPC",
    async call(method, request, headers) {
      const answer = await grpcCall(address, `loms.v1.Loms/${method}`, request, { headers });
      const code = Object.entries(STATUSES).find(([, { grpc }]) => grpc === answer.code)?.[0];
      const detail = (name: string) =>
        answer.details.find((each) => each["@type"].endsWith(`/${name}`));
      const violations = detail("google.rpc.BadRequest")?.["field_violations"] as
        | { field: string }[]
        | undefined;
      const shortage = detail("loms.v1.OrderShortage");
      return {
        code: code ?? `gRPC ${answer.code}`,
        response: code === "ok"
          ? JSON.stringify(answer.body, FIELDS).replaceAll(INT64_FIELDS, '"$1":$2')
          : "",
        message: answer.message,
        paths: (violations ?? []).map(({ field }) => field),
        ...shortage && {
          shortage: {
            orderId: Number(shortage["orderID"]),
            skus: (shortage["skus"] as ShortSku[]).map((short) => ({
              ...short,
              available: Number(short.available),
            })),
            skusTotal: Number(shortage["skusTotal"]),
          },
        },
      };
    },
  };
}
