import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { staleFiles } from "../../proto/stale-files.ts";
import { generateClient } from "./clients.ts";
import { serviceDocuments } from "./documents.ts";

const DOCUMENTS = "docs/api";
const CLIENTS = "stack/clients/gen";
/** Beside the folder that it is compared with, so that paths inside the files are the same. */
const FRESH_CLIENTS = "stack/clients/fresh-";

/** Writes the documents of both services and the clients made from them. */
async function generate(documents: string, clients: string): Promise<void> {
  mkdirSync(documents, { recursive: true });
  for (const [service, { latest, v30 }] of Object.entries(serviceDocuments())) {
    const document = join(documents, `${service}.json`);
    writeFileSync(document, latest);
    writeFileSync(join(documents, `${service}-3.0.json`), v30);
    await generateClient(document, join(clients, service));
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
