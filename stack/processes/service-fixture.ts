import { once } from "node:events";
import { createServer } from "node:http";
import process from "node:process";
import { LOADED, START_ON_MESSAGE } from "../../shared/run-service.ts";

/** A minimal service for the launcher: `<port> <how it behaves>`. */
const [port, behaviour] = process.argv.slice(2);

if (behaviour === "dies") {
  process.stderr.write("Wrong settings:\n  EVERYTHING: is wrong\n");
  process.exit(1);
}
if (process.argv.includes(START_ON_MESSAGE)) {
  process.send?.(LOADED);
  await once(process, "message");
  process.disconnect();
}
const server = createServer((_request, response) => response.end("ready\n"));
server.listen(Number(port), "127.0.0.1", () => process.stdout.write("serving\n"));
process.on("SIGTERM", () => {
  process.stdout.write("stopping\n");
  server.close();
  server.closeAllConnections();
});
