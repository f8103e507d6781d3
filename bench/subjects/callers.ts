import type { CloseStack } from "../../shared/lifecycle.ts";
import { loadedVariant, type Variant } from "../rounds.ts";
import { orderRequests, SKUS, startLoms } from "./loms.ts";
import type { Growth } from "./loms-growth.ts";
import { fillStock, openPostgres } from "./postgres.ts";

const REQUESTS = 20_000;
const SECONDS = 1;

/** Callers of one loms: one, and several. */
export async function openCallers(opened: CloseStack): Promise<Growth> {
  const postgres = await openPostgres(opened, { databases: ["loms", "bus"] });
  const database = await postgres.loms("loms");
  await fillStock(database, SKUS);
  const loms = await startLoms({ postgres, database }, opened);
  const requests = orderRequests(REQUESTS);
  const wayOf = (callers: number): Variant =>
    loadedVariant(`OrderCreate, ${callers} callers`, {
      ...{ protocol: "grpc", addresses: [loms.grpc], requests, callers, seconds: SECONDS },
    }, [loms, ...postgres.parts]);
  return {
    growTo: () => Promise.resolve(),
    variantsOf: (_, callers) => [wayOf(1), wayOf(callers)],
  };
}
