import { cartsContract } from "./carts-contract.ts";
import { MemoryCarts } from "./memory.ts";

cartsContract("MemoryCarts", () => Promise.resolve(new MemoryCarts()));
