import { z } from "zod";
import { int64Id } from "../../proto/loms/v1/schemas.ts";

const userId = int64Id.meta({ description: "Whose cart it is", param: { example: 1 } });
const skuId = int64Id.meta({ description: "The product", param: { example: 773_297_411 } });

/** The path of a user's cart. */
export const cartParams = z.object({ user_id: userId });

/** The path of a line. A SKU over uint32 is well formed here; that it is no product is a 412. */
export const lineParams = z.object({ user_id: userId, sku_id: skuId });
