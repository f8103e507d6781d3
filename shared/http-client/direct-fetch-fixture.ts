import process from "node:process";
import { createDirectFetch } from "./direct-fetch.ts";

// Calls the URL that it is given twice, and prints what was answered.

const [url = ""] = process.argv.slice(2);
const fetch = createDirectFetch();
for (const body of ["first", "second"]) {
  const answer = await fetch(url, { method: "POST", body });
  process.stdout.write(await answer.text());
}
process.exit(0);
