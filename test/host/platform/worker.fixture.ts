// test/host/platform/worker.fixture.ts: what the worker of platform.test.ts runs.
import { detectPlatform } from "../../../host/platform/detect.ts";

const channel = detectPlatform().workerChannel<string, unknown>()!;
channel.onMessage((message) => {
  if (message === "loop") { for (;;); }
  if (message === "throw") throw new Error("thrown in the worker");
  channel.post({ echo: message, data: channel.data });
});
channel.post("ready");
