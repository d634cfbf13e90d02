// test/host/base/runtime_fixture.ts: runtimes with values as a static layer would give them.
import { Runtime, type RuntimeEntries } from "../../../host/base/runtime.ts";
import { runtimeEntryOfJson } from "../../../host/config/runtime_entry.ts";

export function runtimeEntries(values: Readonly<Record<string, unknown>>): RuntimeEntries {
  return new Map(Object.entries(values).map(([key, value]) => [key, runtimeEntryOfJson(value)]));
}

export function runtimeOf(values: Readonly<Record<string, unknown>> = {}): Runtime {
  return new Runtime(runtimeEntries(values));
}

/** Takes the place of all values. */
export function setRuntime(runtime: Runtime, values: Readonly<Record<string, unknown>>): void {
  runtime.replace(runtimeEntries(values));
}
