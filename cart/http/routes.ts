import { createHttpApp, type HttpApp, type HttpAppOptions, mount } from "../../shared/http/app.ts";
import type { MountedRoute } from "../../shared/http/exchange.ts";
import { documentRoutes } from "../../shared/http/openapi.ts";
import { DOCUMENT_LINKS, OPERATION_LINKS, startPageRoute } from "../../shared/http/start-page.ts";
import type { Deps } from "../domain/deps.ts";
import { addItemEndpoint } from "./add-item.ts";
import { checkoutEndpoint } from "./checkout.ts";
import { clearCartEndpoint } from "./clear-cart.ts";
import { deleteItemEndpoint } from "./delete-item.ts";
import { DOCUMENT_INFO } from "./document-info.ts";
import { listCartEndpoint } from "./list-cart.ts";

/** All that cart serves over HTTP. */
export function cartApp(
  deps: Deps,
  health: readonly MountedRoute[],
  options: HttpAppOptions,
): HttpApp {
  const app = createHttpApp(options);
  mount(app, [
    addItemEndpoint(deps),
    deleteItemEndpoint(deps),
    clearCartEndpoint(deps),
    listCartEndpoint(deps),
    checkoutEndpoint(deps),
    ...health,
    ...documentRoutes(app, DOCUMENT_INFO, { title: "Loms", origins: options.origins ?? [] }),
    startPageRoute({
      title: DOCUMENT_INFO.title,
      description: DOCUMENT_INFO.summary,
      links: [...DOCUMENT_LINKS, ...OPERATION_LINKS],
    }),
  ]);
  return app;
}
