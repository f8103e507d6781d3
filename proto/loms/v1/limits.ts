export const INT64_MAX = 2n ** 63n - 1n;
export const UINT32_MAX = 2 ** 32 - 1;
/** The largest count of an order line. */
export const UINT16_MAX = 2 ** 16 - 1;

/** Lines of one OrderCreate, before lines of one SKU are summed. */
export const ORDER_LINES_MAX = 1_000;

/** SKUs of one StocksInfoList. */
export const STOCKS_INFO_SKUS_MAX = 1_000;
