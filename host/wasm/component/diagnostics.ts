// host/wasm/component/diagnostics.ts: the problems that a component may have, in words.
// pure: no I/O, no clock, no runtime globals
/**
 * @see docs/reference/errors.md
 * @module
 */
import { COMPONENT_PACKAGE, COMPONENT_VERSION } from "../../../abi/mod.ts";
import type { Diagnostic } from "../../base/diagnostic.ts";

function error(code: string, message: string, more: Partial<Diagnostic> = {}): Diagnostic {
  return { code, severity: "error", message, ...more };
}

export function componentsNotHere(): Diagnostic {
  return error("wasm/component-not-here", "the code is a WebAssembly component, and only modules are loaded here");
}

/** Nothing is installed that can tell whether a component is valid. */
export function noComponentTools(packageName: string, version: string, reason: string): Diagnostic {
  const install = `npm install ${packageName}@${version}`;
  return error(
    "wasm/no-component-tools",
    `the code is a WebAssembly component, which needs a package: run ${install}`,
    {
      notes: [`${packageName} cannot be loaded: ${reason.split("\n")[0]}`],
    },
  );
}

export function invalidComponent(reason: string): Diagnostic {
  return error("wasm/invalid-component", `the component is not valid: ${reason}`);
}

export function unusableComponent(reason: string): Diagnostic {
  return error("wasm/unusable-component", `the component cannot be run: ${reason}`);
}

export function unknownComponentWorld(exports: readonly string[]): Diagnostic {
  const found = exports.length === 0 ? "nothing" : exports.join(", ");
  return error("wasm/unknown-world", `the component is no filter: it exports ${found}`, {
    notes: [
      `expected ${COMPONENT_PACKAGE}/plugin@${COMPONENT_VERSION} with ${COMPONENT_PACKAGE}/http@${COMPONENT_VERSION} ` +
      `or ${COMPONENT_PACKAGE}/tcp@${COMPONENT_VERSION}`,
    ],
    help: ["build it for a world of abi/wit/filter.wit"],
  });
}

export function missingComponentImport(of: string, name: string): Diagnostic {
  const from = of === "" ? name : `${of}.${name}`;
  const more: Partial<Diagnostic> = of.startsWith("wasi:")
    ? {
      help: ["build the component without it: of WASI there are clocks, random numbers, environment, standard output"],
    }
    : {};
  return error("wasm/missing-import", `Failed to load Wasm component due to a missing import: ${from}`, more);
}

export function missingComponentExport(name: string): Diagnostic {
  return error("wasm/missing-export", `the component does not export ${name}`);
}

export function componentFunctionType(
  kind: "import" | "export",
  name: string,
  found: string,
  expected: string,
): Diagnostic {
  return error("wasm/component-type", `${kind} ${name} has another type than that of this proxy`, {
    notes: [`it is ${found}`, `expected ${expected}`],
    help: [`build it for version ${COMPONENT_VERSION} of ${COMPONENT_PACKAGE}`],
  });
}
