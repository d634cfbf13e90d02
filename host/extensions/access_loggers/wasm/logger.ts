// host/extensions/access_loggers/wasm/logger.ts: envoy.access_loggers.wasm.
// hot: log() runs once per stream
/**
 * The guest's `proxy_on_log` runs on the plugin's own context, which shows the headers and attributes of the
 * stream meanwhile. Entries of streams that are not over yet are left out, as Envoy leaves them out.
 *
 * @see Envoy: source/extensions/access_loggers/wasm/wasm_access_log_impl.h, Context::log
 * @module
 */
import type { AccessLogEntry, AccessLogger } from "../../../http/conn_manager/conn_manager_config.ts";
import type { AccessLogFilter } from "../../../observe/access_log.ts";
import type { Plugin } from "../../../wasm/mod.ts";
import { LoggedConnection, LoggedStream } from "../../common/wasm/logged_stream.ts";
import type { AccessLogModule, FactoryContext } from "../../define.ts";
import { compileAccessLogFilter } from "../common/filter.ts";
import type { WasmLoggerPlan } from "./plan.ts";

class WasmAccessLogger implements AccessLogger {
  readonly #plugin: Plugin;
  readonly #filter: AccessLogFilter | null;
  readonly #context: FactoryContext;

  constructor(plan: WasmLoggerPlan, context: FactoryContext) {
    this.#plugin = context.wasm.plugin(plan.plugin);
    this.#filter = compileAccessLogFilter(plan.filter, context);
    this.#context = context;
  }

  log(entry: AccessLogEntry): void {
    if (entry.info.endMs < 0 || (this.#filter !== null && !this.#filter(entry))) return;
    const { clock } = this.#context;
    this.#plugin.log(
      entry.accessLogType.startsWith("Tcp") ? new LoggedConnection(entry.info, clock) : new LoggedStream(entry, clock),
    );
  }
}

export const module: AccessLogModule = {
  create(plan: unknown, context: FactoryContext): AccessLogger {
    return new WasmAccessLogger(plan as WasmLoggerPlan, context);
  },
};
