import process from "node:process";
import { createDirectFetch } from "./direct-fetch.ts";

// Calls the given URL twice and prints the responses.

const [url = ""] = process.argv.slice(2);
const fetch = createDirectFetch();
for (const body of ["first", "second"]) {
  const answer = await fetch(url, { method: "POST", body });
  process.stdout.write(await answer.text());
}
process.exit(0);
