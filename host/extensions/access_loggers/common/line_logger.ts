// host/extensions/access_loggers/common/line_logger.ts: filter, format, file: what all line loggers are.
// hot: log() runs once per stream; see bench/micro/formatter.bench.ts
/** @module */
import type { AccessLogEntry, AccessLogFilter, AccessLogger } from "../../../observe/access_log.ts";
import type { Format } from "../../../observe/formatter.ts";
import type { FactoryContext } from "../../define.ts";
import { compileAccessLogFilter } from "./filter.ts";
import type { AccessLogFilterPlan } from "./filter_plan.ts";
import { compileLine, type FormatPlan } from "../../../observe/format_plan.ts";
import { LogFile } from "./log_file.ts";

/** The plan of a logger that writes lines. */
export interface LineLoggerPlan {
  readonly filter: AccessLogFilterPlan | null;
  readonly format: FormatPlan;
}

export class LineLogger implements AccessLogger {
  readonly #filter: AccessLogFilter | null;
  readonly #format: Format;
  readonly #file: LogFile;

  constructor(plan: LineLoggerPlan, target: string | number, context: FactoryContext) {
    this.#filter = compileAccessLogFilter(plan.filter, context);
    this.#format = compileLine(plan.format, context.world);
    const { clock, stats, accessLogSettings } = context;
    this.#file = new LogFile({ target, clock, stats, logger: context.logger("main"), ...accessLogSettings });
  }

  log(entry: AccessLogEntry): void {
    if (this.#filter !== null && !this.#filter(entry)) return;
    this.#file.write(this.#format(entry));
  }

  flush(): void {
    this.#file.flush();
  }

  reopen(): void {
    this.#file.reopen();
  }

  close(): void {
    this.#file.close();
  }
}
