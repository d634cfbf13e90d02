// host/admin/handlers/logging.ts: /logging: levels by component, shown and changed.
/**
 * @see Envoy: source/server/admin/logs_handler.cc
 * @module
 */
import { LOG_LEVELS, type LogLevel, type LogLevels, parseLogLevel } from "../../observe/log.ts";
import { type AdminCommand, type AdminQuery, text } from "../command.ts";

export const logging: AdminCommand = {
  path: "/logging",
  help: "query/change logging levels",
  mutates: true,
  parameters: [
    {
      name: "paths",
      help:
        "Change multiple logging levels by setting to <logger_name1>:<desired_level1>,<logger_name2>:<desired_level2>",
      kind: "text",
    },
    { name: "level", help: "desired logging level, this will change all loggers's level", kind: ["", ...LOG_LEVELS] },
  ],
  async handle({ query }, view) {
    const changes = changesOf(query, view.logLevels());
    if (typeof changes === "string") return text(`error: ${changes}\n\n${USAGE}${listing(view.logLevels())}`, 400);
    if (changes !== null) await view.actions.setLogLevels(changes);
    return text(listing(view.logLevels()));
  },
};

const USAGE = `usage: /logging?<name>=<level> (change single level)
usage: /logging?paths=name1:level1,name2:level2,... (change multiple levels)
usage: /logging?level=<level> (change all levels)
levels: ${LOG_LEVELS.join(" ")} 
`;

function listing(levels: LogLevels): string {
  const lines = Object.entries(levels).map(([component, level]) => `  ${component}: ${level}\n`);
  return `active loggers:\n${lines.join("")}\n`;
}

/** The levels that a request sets, null when it sets none, or what is wrong with it. */
function changesOf(query: AdminQuery, levels: LogLevels): Record<string, LogLevel> | null | string {
  // The form of the index page sends empty values for what was left alone.
  const given = query.entries.filter(([, value]) => value !== "");
  if (given.length === 0) return query.entries.length > 0 && isUnknown(query, levels) ? "empty logger level" : null;
  if (given.length > 1) return "invalid number of parameters";
  const [name, value] = given[0]!;
  if (name === "level") {
    const level = parseLogLevel(value);
    if (level === null) return "unknown logger level";
    return Object.fromEntries(Object.keys(levels).map((component) => [component, level]));
  }
  const pairs = name === "paths" ? value.split(",").map((pair) => pair.split(":")) : [[name, value]];
  const changes: Record<string, LogLevel> = {};
  for (const [component = "", text = ""] of pairs) {
    if (component === "" || text === "") return "empty logger name or empty logger level";
    const level = parseLogLevel(text);
    if (level === null) return "unknown logger level";
    if (!Object.hasOwn(levels, component)) return "unknown logger name";
    changes[component] = level;
  }
  return changes;
}

/** A parameter without value that is none of the form's. */
function isUnknown(query: AdminQuery, levels: LogLevels): boolean {
  return query.entries.some(([name]) => Object.hasOwn(levels, name));
}
