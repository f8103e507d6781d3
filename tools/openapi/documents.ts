import { cartApp, DOCUMENT_INFO as CART_INFO } from "../../cart/http/routes.ts";
import { createAdminHttp, DOCUMENT_INFO as STOCK_INFO } from "../../loms/http/admin.ts";
import { DOCUMENT_INFO as LOMS_INFO, gatewayRoutes } from "../../loms/http/gateway.ts";
import { createHttpApp, mount } from "../../shared/http/app.ts";
import { openApi30Document, openApiDocument } from "../../shared/http/openapi.ts";

/**
 * The documents that the services serve at /openapi.json, by name, and their OpenAPI 3.0 versions.
 */
export function serviceDocuments() {
  const loms = createHttpApp();
  mount(loms, gatewayRoutes(() => NEVER_CALLED));
  const described = (...given: Parameters<typeof openApiDocument>) => ({
    latest: openApiDocument(...given),
    v30: openApi30Document(...given),
  });
  return {
    cart: described(cartApp(NEVER_CALLED, [], {}), CART_INFO),
    loms: described(loms, LOMS_INFO),
    stock: described(createAdminHttp(NEVER_CALLED, {}), STOCK_INFO),
  };
}

/** Routes are only described, never called. */
const NEVER_CALLED = undefined as never;
