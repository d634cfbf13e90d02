// test/e2e/load_child.ts: the other side of a load test: an upstream and clients, in a process of their own.
/**
 * First line out: `{"upstreamPort": N}`. Then each line in is `{"port": N, "connections": N, "requests": N}`;
 * with 0 requests the load lasts until a line `stop`. Each run ends with a line `LoadReport`.
 *
 * @module
 */
import process from "node:process";
import { createInterface } from "node:readline";
import type { LoadOrder, LoadReport } from "./load.ts";
import { RawClient, Upstream } from "./support.ts";

const upstream = await Upstream.start();
console.log(JSON.stringify({ upstreamPort: upstream.port }));

let stopped = false;
for await (const line of createInterface({ input: process.stdin })) {
  if (line === "stop") stopped = true;
  else void run(JSON.parse(line) as LoadOrder);
}
process.exit(0);

async function run(order: LoadOrder): Promise<void> {
  stopped = false;
  let left = order.requests === 0 ? Infinity : order.requests;
  let requests = 0;
  const bad: string[] = [];
  const versions = new Set<string>();
  const clients = await Promise.all(Array.from({ length: order.connections }, () => RawClient.connect(order.port)));
  await Promise.all(clients.map(async (client) => {
    while (!stopped && left-- > 0) {
      try {
        const { status, head, body } = await client.get("/");
        requests++;
        const version = /^x-version: (\S+)\r$/m.exec(head)?.[1];
        if (version !== undefined) versions.add(version);
        if (order.pauseMs !== undefined) await new Promise((resolve) => setTimeout(resolve, order.pauseMs));
        if (status !== 200 || body !== "upstream\n") bad.push(head + body);
      } catch (error) {
        bad.push(String(error));
        return;
      }
    }
  }));
  for (const client of clients) client.close();
  const report: LoadReport = { requests, bad: bad.slice(0, 5), badCount: bad.length, versions: [...versions].sort() };
  console.log(JSON.stringify(report));
}
