import { expect, inject, test } from "vitest";
import { lomsTransports } from "./loms-transports.ts";

const item = (sku: number, count: number) => `{"sku":${sku},"count":${count}}`;
const pricedItem = (sku: number, count: number, price: number) =>
  `{"sku":${sku},"count":${count},"price":${price}}`;
const order = (...lines: string[]) => `{"user":1,"items":[${lines.join(",")}]}`;

test.each(lomsTransports(inject("shop")))(
  "$name: OrderInfo lists the given prices, and their total if every line has one",
  async (transport) => {
    const infoOf = async (...lines: string[]) => {
      const created = await transport.call("OrderCreate", order(...lines));
      const { response } = await transport.call("OrderInfo", created.response);
      await transport.call("OrderCancel", created.response);
      return response;
    };
    const [free, dear] = [pricedItem(1_003, 2, 0), pricedItem(1_004, 3, 4_294_967_295)];
    const info = (lines: string) => `{"status":"awaiting payment","user":1,"items":[${lines}]`;
    expect(await infoOf(free, dear)).toBe(`${info(`${free},${dear}`)},"total_price":12884901885}`);
    expect(await infoOf(free)).toBe(`${info(free)},"total_price":0}`);
    expect(await infoOf(free, item(1_004, 1))).toBe(`${info(`${free},${item(1_004, 1)}`)}}`);
  },
);
