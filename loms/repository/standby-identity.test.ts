import { expect, test } from "vitest";
import { type Sender, standbyIdentity, syncStateOf } from "./standby-identity.ts";

const CONNINFO = "user=replicator password=******** channel_binding=prefer dbname=replication " +
  "host=10.0.0.1 port=5432";
const TAIL = "sslmode=prefer sslcompression=0 sslsni=1 gssencmode=prefer krbsrvname=postgres";

test("a replication slot is the identity, whatever the application_name", () => {
  expect(standbyIdentity("slot_1", `${CONNINFO} application_name=a fallback_application_name=b`))
    .toEqual({ by: "slot", name: "slot_1" });
});

test.each([
  [
    "standby1",
    `${CONNINFO} application_name=standby1 fallback_application_name=walreceiver ${TAIL}`,
  ],
  ["walreceiver", `${CONNINFO} fallback_application_name=walreceiver ${TAIL}`],
  ["two words", `${CONNINFO} application_name=two words fallback_application_name=x ${TAIL}`],
  ["main 15", `${CONNINFO} fallback_application_name=main 15 ${TAIL}`],
  ["main", `${CONNINFO} fallback_application_name=main`],
])("without a slot it is the application_name: %s", (name, conninfo) => {
  expect(standbyIdentity(null, conninfo)).toEqual({ by: "application_name", name });
});

test("a server without a receiver, or with a hidden one, has no identity", () => {
  expect(standbyIdentity(null, null)).toBeUndefined();
  expect(standbyIdentity(null, CONNINFO)).toBeUndefined();
});

const sender = (
  application_name: string,
  sync_state: string,
  slot_name: string | null = null,
): Sender => ({ application_name, sync_state, slot_name });
const NAMED = { by: "application_name", name: "a" } as const;

test.each(["sync", "potential", "quorum", "async"])(
  "the state of a replica is that of its sender: %s",
  (state) => {
    expect(syncStateOf(NAMED, [sender("b", "sync"), sender("a", state)], 1)).toBe(state);
  },
);

test("a replica without a sender is not connected", () => {
  expect(syncStateOf(NAMED, [sender("b", "sync")], 1)).toBe("not connected");
  expect(syncStateOf({ by: "slot", name: "a" }, [sender("a", "sync", "b")], 1)).toBe(
    "not connected",
  );
});

test("a replica with a slot is matched by the slot", () => {
  const senders = [sender("same", "async", "one"), sender("same", "sync", "two")];
  expect(syncStateOf({ by: "slot", name: "two" }, senders, 1)).toBe("sync");
  expect(syncStateOf({ by: "slot", name: "one" }, senders, 1)).toBe("async");
});

test("a name that senders share is sync when all of them are", () => {
  expect(syncStateOf(NAMED, [sender("a", "sync"), sender("a", "sync")], 2)).toBe("sync");
  expect(syncStateOf(NAMED, [sender("a", "sync"), sender("a", "potential")], 2)).toBe("ambiguous");
  expect(syncStateOf(NAMED, [sender("a", "sync")], 2), "one is not connected").toBe("ambiguous");
});
