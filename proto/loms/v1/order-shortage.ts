import { OrderShortage as Message } from "../../gen/loms/v1/loms.ts";

/** A SKU of which an order requested more than was available. */
export interface ShortSku {
  readonly sku: number;
  readonly requested: number;
  readonly available: number;
}

/** Why an order failed: at most {@link SHORT_SKUS_MAX} SKUs, and the number of short ones. */
export interface OrderShortage {
  readonly orderId: bigint;
  readonly skus: readonly ShortSku[];
  readonly skusTotal: number;
}

/** An order has up to 1000 lines; an error that listed them all would not fit in a trailer. */
export const SHORT_SKUS_MAX = 20;

/** The status detail `loms.v1.OrderShortage`, as loms encodes it and its callers decode it. */
export const orderShortageDetail = {
  typeUrl: "type.googleapis.com/loms.v1.OrderShortage",

  encode({ shortage }: { readonly shortage: OrderShortage | undefined }): Uint8Array | undefined {
    if (!shortage) return undefined;
    const skus = shortage.skus.map((short) => ({ ...short, available: BigInt(short.available) }));
    const { orderId, skusTotal } = shortage;
    return Message.encode({ orderID: orderId, skus, skusTotal }).finish();
  },

  /** @throws {Error} if the bytes are not such a message */
  decode(bytes: Uint8Array): { shortage: OrderShortage } {
    const { orderID, skus, skusTotal } = Message.decode(bytes);
    const short = skus.map((each) => ({ ...each, available: Number(each.available) }));
    return { shortage: { orderId: orderID, skus: short, skusTotal } };
  },
};
