// test/host/extensions/access_loggers/stream_child.ts: a process that logs COUNT streams through a logger.
import { module as stderr } from "../../../../host/extensions/access_loggers/stderr/logger.ts";
import { module as stdout } from "../../../../host/extensions/access_loggers/stdout/logger.ts";
import type { AccessLogger } from "../../../../host/observe/access_log.ts";
import { proxiedStream } from "../../observe/formatter_fixture.ts";
import { loggerWorld } from "./fixture.ts";

const [name, count] = process.argv.slice(2);
const { clock, context, stats } = loggerWorld({ flushIntervalMs: 10_000, flushBytes: 65_536 });
const text = `%RESPONSE_CODE% ${"x".repeat(90)}\n`;
const plan = { filter: null, format: { kind: "text", text, omitEmptyValues: false } };
const logger = (name === "stdout" ? stdout : stderr).create(plan, context) as AccessLogger;
for (let i = 0; i < Number(count); i++) logger.log(proxiedStream());
clock.advance(100);
// A reader that is slower than this loop makes the logger wait and try again.
const retry = setInterval(() => {
  clock.advance(10);
  if (stats.valueOf("filesystem.write_total_buffered") === 0) clearInterval(retry);
}, 1);
