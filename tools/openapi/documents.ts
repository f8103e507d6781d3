import { cartApp, DOCUMENT_INFO as CART_INFO } from "../../cart/http/routes.ts";
import { createAdminHttp, DOCUMENT_INFO as STOCK_INFO } from "../../loms/http/admin.ts";
import { DOCUMENT_INFO as LOMS_INFO, gatewayRoutes } from "../../loms/http/gateway.ts";
import { createHttpApp, mount } from "../../shared/http/app.ts";
import { openApi30Document, openApiDocument } from "../../shared/http/openapi.ts";

/** What the services serve at /openapi.json, by name, and the same in OpenAPI 3.0. */
export function serviceDocuments() {
  const cart = cartApp(NEVER_CALLED, [], {});
  const loms = createHttpApp();
  mount(loms, gatewayRoutes(() => NEVER_CALLED));
  const stock = createAdminHttp(NEVER_CALLED, {});
  return {
    cart: { latest: openApiDocument(cart, CART_INFO), v30: openApi30Document(cart, CART_INFO) },
    loms: { latest: openApiDocument(loms, LOMS_INFO), v30: openApi30Document(loms, LOMS_INFO) },
    stock: {
      latest: openApiDocument(stock, STOCK_INFO),
      v30: openApi30Document(stock, STOCK_INFO),
    },
  };
}

/** Describing the routes runs none of them. */
const NEVER_CALLED = undefined as never;
