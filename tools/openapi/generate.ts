import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { checkGenerated, staleFiles } from "../../proto/stale-files.ts";
import { eventDocuments } from "../asyncapi/documents.ts";
import { generateClient } from "./clients.ts";
import { serviceDocuments } from "./documents.ts";

const DOCUMENTS = "docs/api";
const CLIENTS = "tools/clients/gen";
const SERVICES = [
  { name: "cart", className: "CartApi" },
  { name: "loms", className: "LomsApi" },
  { name: "stock", className: "StockApi" },
] as const;
/** Beside the folder that it is compared with, so that paths in the files are the same. */
const FRESH_CLIENTS = "tools/clients/fresh-";
/** The generator writes identical copies into every client's folder. */
const RUNTIME_FOLDERS = ["client", "core"];

/** Writes the documents of the services and of the events, and the clients made from them. */
async function generate(documents: string, clients: string): Promise<void> {
  mkdirSync(documents, { recursive: true });
  for (const [name, text] of Object.entries(eventDocuments())) {
    writeFileSync(join(documents, name), text);
  }
  const described = serviceDocuments();
  for (const service of SERVICES) {
    const { latest, v30 } = described[service.name];
    const document = join(documents, `${service.name}.json`);
    writeFileSync(document, latest);
    writeFileSync(join(documents, `${service.name}-3.0.json`), v30);
    const folder = join(clients, service.name);
    await generateClient(document, folder, service.className);
    shareRuntime(folder, join(clients, "runtime"));
  }
}

/** Moves the runtime out of a client's folder, so that all clients share one. */
function shareRuntime(client: string, runtime: string): void {
  rmSync(runtime, { recursive: true, force: true });
  mkdirSync(runtime);
  for (const folder of RUNTIME_FOLDERS) renameSync(join(client, folder), join(runtime, folder));
  for (const name of readdirSync(client)) {
    const text = readFileSync(join(client, name), "utf8");
    writeFileSync(join(client, name), text.replaceAll("'./client/", "'../runtime/client/"));
  }
}

if (process.argv.includes("--check")) {
  await checkGenerated(FRESH_CLIENTS, async (clients) => {
    const documents = join(clients, "documents");
    await generate(documents, clients);
    const staleDocuments = staleFiles(documents, DOCUMENTS);
    rmSync(documents, { recursive: true });
    return [...staleDocuments, ...staleFiles(clients, CLIENTS)];
  });
} else {
  await generate(DOCUMENTS, CLIENTS);
}
