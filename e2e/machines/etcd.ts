import { join } from "node:path";
import { freePorts } from "../../stack/ports.ts";
import { spawnChild, SYSTEM_PATH } from "../../stack/processes/child.ts";
import { sendSignal } from "../../stack/processes/identity.ts";
import { eventually } from "../eventually.ts";

export interface Etcd {
  readonly port: number;
  close(): Promise<void>;
}

/** Starts one etcd server, which answers when this resolves. */
export async function startEtcd(etcd: string, directory: string): Promise<Etcd> {
  const [port = 0, peerPort = 0] = await freePorts(2);
  const [url, peerUrl] = [`http://127.0.0.1:${port}`, `http://127.0.0.1:${peerPort}`];
  const child = await spawnChild({
    command: etcd,
    args: [
      ...["--data-dir", join(directory, "etcd"), "--log-level", "error", "--enable-v2"],
      ...["--listen-client-urls", url, "--advertise-client-urls", url],
      ...["--listen-peer-urls", peerUrl, "--initial-advertise-peer-urls", peerUrl],
      ...["--initial-cluster", `default=${peerUrl}`],
    ],
    environment: { PATH: SYSTEM_PATH },
    deathSignal: "SIGKILL",
  });
  child.process.stdout?.resume();
  child.process.stderr?.resume();
  await eventually(async () => {
    const { ok } = await fetch(`${url}/health`);
    if (!ok) throw new Error("etcd is not ready");
  });
  return {
    port,
    async close() {
      sendSignal(child.pid, "SIGKILL");
      await child.ended;
    },
  };
}
