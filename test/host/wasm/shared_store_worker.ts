// test/host/wasm/shared_store_worker.ts: another thread for shared_store.test.ts.
import { parentPort } from "node:worker_threads";
import { TimerClock } from "../../../host/base/clock.ts";
import { SharedStore, type SharedStoreHandle } from "../../../host/wasm/mod.ts";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const text = (value: Uint8Array): string => new TextDecoder().decode(value);
const port = parentPort!;

/** Counts up a shared number by compare and swap. */
function count(store: SharedStore, times: number): void {
  for (let i = 0; i < times; i++) {
    for (;;) {
      const value = store.get("vm", bytes("n"))!;
      if (store.set("vm", bytes("n"), bytes(String(Number(text(value)) + 1)), store.lastCas) === 0) break;
    }
    // Makes the memory grow and blocks of many sizes come and go meanwhile.
    store.set("vm", bytes(`k${i % 50}`), new Uint8Array((i * 37) % 3000), 0);
  }
}

port.on("message", (message: { handle: SharedStoreHandle; job: string; times: number; token: number }) => {
  const clock = new TimerClock({
    nowMs: () => performance.now(),
    wallMs: () => Date.now(),
    preciseWallMs: () => Date.now(),
    setTimeout: (callback, ms) => setTimeout(callback, ms),
    clearTimeout: (handle) => clearTimeout(handle as number),
  });
  const store = new SharedStore(message.handle, clock);
  store.retain("vm");
  switch (message.job) {
    case "count":
      count(store, message.times);
      port.postMessage("done");
      port.close();
      break;
    case "consume": {
      const seen: string[] = [];
      const token = store.registerQueue("vm", bytes("q"), {
        onQueueReady: (token) => {
          const value = store.dequeue(token);
          seen.push(typeof value === "number" ? `status ${value}` : text(value));
          if (seen.length === message.times) {
            port.postMessage(seen);
            store.close();
            port.close();
          }
        },
      });
      port.postMessage(token);
      break;
    }
  }
});
