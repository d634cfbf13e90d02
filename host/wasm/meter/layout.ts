// host/wasm/meter/layout.ts: what a module has besides its code, as far as its meter depends on it.
// pure: no I/O, no clock, no runtime globals
/** @module */
import { BinaryReader, type Limits, UnreadableModule } from "../binary_reader.ts";
import { FIRST_SECTION, readImport, readSections, type Section, SectionId } from "../sections.ts";

const FUEL_NAME = "nuncio_fuel";
const START_NAME = "nuncio_start";

/** What is known of the sections before the code. */
export interface Layout {
  readonly sections: readonly Section[];
  readonly importedFunctions: number;
  /** Parameters of the module's own functions. */
  readonly parameterCounts: readonly number[];
  /** Index of the global that is added. */
  readonly fuelIndex: number;
  readonly fuelExport: string;
  /** The start function that is to be exported, by its index. */
  readonly start: number | null;
  readonly startExport: string;
}

/** `exportsStart`: the start function is to be exported instead of run. */
export function readLayout(bytes: Uint8Array, exportsStart: boolean): Layout {
  const sections = readSections(bytes, FIRST_SECTION, bytes.length);
  const functionParameters: (number | null)[] = [];
  const parameterCounts: number[] = [];
  const names = new Set<string>();
  let globals = 0;
  let importedFunctions = 0;
  let startFunction: number | null = null;
  for (const { id, start, end } of sections) {
    const reader = new BinaryReader(bytes, start, end);
    if (id === SectionId.Start && exportsStart) startFunction = reader.number();
    if (id === SectionId.Type) {
      const types: Parameters<BinaryReader["recursiveTypes"]>[0] = [];
      for (let count = reader.number(); count > 0; count--) reader.recursiveTypes(types);
      for (const type of types) functionParameters.push(type === null ? null : type.params.length);
    } else if (id === SectionId.Import) {
      for (let count = reader.number(); count > 0; count--) {
        const { kind, limits } = readImport(reader, []);
        if (limits !== null) refuseLimits(kind, limits);
        if (kind === "global") globals++;
        else if (kind === "func") importedFunctions++;
      }
    } else if (id === SectionId.Function) {
      for (let count = reader.number(); count > 0; count--) {
        parameterCounts.push(functionParameters[reader.number()] ?? 0);
      }
    } else if (id === SectionId.Global) {
      globals += reader.number();
    } else if (id === SectionId.Export) {
      for (let count = reader.number(); count > 0; count--) {
        names.add(reader.name());
        reader.byte();
        reader.number();
      }
    }
  }
  return {
    sections,
    importedFunctions,
    parameterCounts,
    fuelIndex: globals,
    fuelExport: unused(FUEL_NAME, names),
    start: startFunction,
    startExport: unused(START_NAME, names),
  };
}

/** The name, with underscores behind it until no export has it. */
function unused(name: string, names: ReadonlySet<string>): string {
  return names.has(name) ? unused(`${name}_`, names) : name;
}

export function refuseLimits(what: string, limits: Limits): void {
  if (limits.is64) throw new UnreadableModule(`its ${what} has 64-bit addresses, which are not supported`);
  if (limits.shared) throw new UnreadableModule(`its ${what} is shared, which is not supported`);
}
