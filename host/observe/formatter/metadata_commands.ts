// host/observe/formatter/metadata_commands.ts: commands that read metadata, filter state and times.
// pure: no I/O, no clock, no runtime globals
/**
 * @see Envoy: source/common/formatter/stream_info_formatter.cc MetadataFormatter, FilterStateFormatter
 * @module
 */
import { latin1Slice } from "../../base/bytes.ts";
import type { FilterMetadata, StreamInfo } from "../stream_info.ts";
import {
  type Command,
  CommandError,
  type Extract,
  type FormatWorld,
  fromJson,
  JsonText,
  withoutControls,
} from "./command.ts";
import { compileTimeFormat, defaultTimeFormat } from "./time_format.ts";

type Source = (info: StreamInfo) => FilterMetadata | null | undefined;

const SOURCES: Readonly<Record<string, Source>> = {
  DYNAMIC: (info) => info.dynamicMetadata,
  CLUSTER: (info) => info.upstream?.clusterMetadata,
  UPSTREAM_HOST: (info) => info.upstream?.hostMetadata,
  ROUTE: (info) => info.routeMetadata,
  VIRTUAL_HOST: (info) => info.virtualHostMetadata,
  LISTENER: (info) => info.listenerMetadata,
};

/** `NAMESPACE:KEY*`: a namespace, or what a path of keys in it leads to. */
function lookUp(source: Source, parameter: string): Extract {
  const [namespace, ...keys] = parameter.split(":") as [string, ...string[]];
  return ({ info }) => {
    let value: unknown = source(info)?.get(namespace);
    for (const key of keys) {
      if (typeof value !== "object" || value === null || Array.isArray(value) || !Object.hasOwn(value, key)) {
        return null;
      }
      value = (value as Record<string, unknown>)[key];
    }
    return value === undefined ? null : fromJson(value);
  };
}

function metadata(source: Source, length: boolean): Command {
  return { parameter: "required", length, compile: (parameter) => lookUp(source, parameter) };
}

/** `METADATA(TYPE:NAMESPACE:KEY*)`. */
function compileMetadata(parameter: string): Extract | CommandError {
  const colon = parameter.indexOf(":");
  const type = colon < 0 ? parameter : parameter.slice(0, colon);
  const source = SOURCES[type];
  if (source === undefined) {
    return new CommandError(`METADATA knows no type "${type}"`, `use one of ${Object.keys(SOURCES).join(", ")}`);
  }
  if (colon < 0) return new CommandError(`METADATA(${type}) names no namespace`);
  return lookUp(source, parameter.slice(colon + 1));
}

/** `FILTER_STATE(KEY:PLAIN|TYPED)`. What filters leave here are bytes, whose typed form is base64 in JSON. */
function compileFilterState(parameter: string): Extract | CommandError {
  const [key = "", form = "TYPED"] = parameter.split(":");
  if (key === "") return new CommandError("FILTER_STATE names no key");
  if (form === "FIELD") {
    return new CommandError("FILTER_STATE(…:FIELD:…) reads fields of typed objects, and none here has fields");
  }
  if (form !== "PLAIN" && form !== "TYPED") {
    return new CommandError(`FILTER_STATE knows no form "${form}"; expected PLAIN or TYPED`);
  }
  return ({ info }) => {
    const object = info.findFilterState(key);
    if (object === null) return null;
    const text = latin1Slice(object.value, 0, object.value.length);
    return form === "PLAIN" ? withoutControls(text) : new JsonText(`"${btoa(text)}"`);
  };
}

type WallMs = (info: StreamInfo, world: FormatWorld) => number;

function time(wallMs: WallMs, local: boolean): Command {
  return {
    parameter: "optional",
    length: false,
    compile(parameter, world) {
      if (/%[nt]/.test(parameter)) return new CommandError("a time format holds no newline or tab");
      const format = parameter === "" ? defaultTimeFormat(local) : compileTimeFormat(parameter, local);
      return ({ info }) => format(wallMs(info, world));
    },
  };
}

const start: WallMs = (info) => info.startWallMs;
const now: WallMs = (_, world) => world.clock.wallMs();

export const METADATA_COMMANDS: Readonly<Record<string, Command>> = {
  DYNAMIC_METADATA: metadata(SOURCES["DYNAMIC"]!, true),
  CLUSTER_METADATA: metadata(SOURCES["CLUSTER"]!, false),
  UPSTREAM_METADATA: metadata(SOURCES["UPSTREAM_HOST"]!, false),
  METADATA: { parameter: "required", length: true, compile: compileMetadata },
  FILTER_STATE: { parameter: "required", length: true, compile: compileFilterState },
  START_TIME: time(start, false),
  START_TIME_LOCAL: time(start, true),
  EMIT_TIME: time(now, false),
  EMIT_TIME_LOCAL: time(now, true),
};
