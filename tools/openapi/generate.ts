import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { staleFiles } from "../../proto/stale-files.ts";
import { eventDocuments } from "../asyncapi/documents.ts";
import { generateClient } from "./clients.ts";
import { serviceDocuments } from "./documents.ts";

const DOCUMENTS = "docs/api";
const CLIENTS = "tools/clients/gen";
const SERVICES = [
  { name: "cart", className: "CartApi" },
  { name: "loms", className: "LomsApi" },
] as const;
/** Beside the folder that it is compared with, so that paths inside the files are the same. */
const FRESH_CLIENTS = "tools/clients/fresh-";

/** Writes the documents of both services and of the events, and the clients made from them. */
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
    await generateClient({ document, folder, className: service.className });
  }
}

/** What is missing, left over or different from what the routes say. */
async function stale(): Promise<string[]> {
  const clients = mkdtempSync(FRESH_CLIENTS);
  const documents = join(clients, "documents");
  try {
    await generate(documents, clients);
    const staleDocuments = staleFiles(documents, DOCUMENTS);
    rmSync(documents, { recursive: true });
    return [...staleDocuments, ...staleFiles(clients, CLIENTS)];
  } finally {
    rmSync(clients, { recursive: true });
  }
}

if (process.argv.includes("--check")) {
  const names = await stale();
  if (names.length > 0) {
    console.error(`Not current, run "npm run generate": ${names.join(", ")}`);
    process.exit(1);
  }
} else {
  await generate(DOCUMENTS, CLIENTS);
}
