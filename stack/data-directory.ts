import { join } from "node:path";
import { PROJECT_DIRECTORY } from "./services.ts";

/** Where `npm start` keeps what stays, unless STACK_DATA names another directory. */
export const DATA_DIRECTORY = join(PROJECT_DIRECTORY, ".data");
