import type { AppError, ErrorFacts } from "../../../shared/errors.ts";
import { OrderShortage } from "../../gen/loms/v1/loms.ts";

/** The status detail `loms.v1.OrderShortage`, as loms writes it and its callers read it. */
export const orderShortageDetail = {
  typeUrl: "type.googleapis.com/loms.v1.OrderShortage",

  encode({ shortage }: AppError): Uint8Array | undefined {
    if (!shortage) return undefined;
    const skus = shortage.skus.map((short) => ({ ...short, available: BigInt(short.available) }));
    const { orderId, skusTotal } = shortage;
    return OrderShortage.encode({ orderID: orderId, skus, skusTotal }).finish();
  },

  /** Throws when the bytes are no such message. */
  decode(bytes: Uint8Array): ErrorFacts {
    const { orderID, skus, skusTotal } = OrderShortage.decode(bytes);
    const short = skus.map((each) => ({ ...each, available: Number(each.available) }));
    return { shortage: { orderId: orderID, skus: short, skusTotal } };
  },
};
