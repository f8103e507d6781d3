import { z } from "zod";
import { int64Id } from "../../proto/integers.ts";

/** The path of a user's cart. */
export const cartParams = z.object({ user_id: int64Id });

/** The path of a line. A SKU over uint32 is well formed here; that it is no product is a 412. */
export const lineParams = z.object({ user_id: int64Id, sku_id: int64Id });
