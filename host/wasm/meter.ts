// host/wasm/meter.ts: rewrites a module so that it pays for what it computes, and cannot grow beyond its limits.
// pure: no I/O, no clock, no runtime globals
/**
 * An exported mutable global, the *fuel*, is spent at the entry of every function, at the head of every loop,
 * and before every operation on a whole range of memory or of a table. When it falls below zero the guest
 * traps. The host refills it before each callback. No function, local, type or label index changes, so names
 * and backtraces stay right; the guest cannot name the global, because its own code was valid without it.
 *
 * One unit is paid for every 64 instructions of a function or loop body, and at least one each time; for
 * every 64 bytes or elements of a range; for every 1/16 of a page of new memory. A call of a host function
 * costs 63, and what it moves costs as a range does (`memory.ts`).
 *
 * @module
 */
import { UnreadableModule } from "./binary_reader.ts";
import { BinaryWriter } from "./binary_writer.ts";
import { CodeMeter } from "./meter/code.ts";
import { type Layout, readLayout } from "./meter/layout.ts";
import {
  dependsOnOffsets,
  namesImports,
  writeExports,
  writeGlobals,
  writeMemories,
  writeTables,
} from "./meter/sections.ts";
import type { ModuleMeter } from "./module.ts";
import { SectionId } from "./sections.ts";

export interface MeterOptions {
  /** Fuel that an instance is made with: a `start` section runs before anybody can refill; up to 2³¹-1. */
  readonly startBudget: number;
  readonly maxMemoryPages: number;
  readonly maxTableElements: number;
  /** The start function is exported instead of run by the engine: while that makes an instance nobody sees its fuel. */
  readonly exportsStart?: boolean;
}

/** What the engine lets guests have by default. */
export const DEFAULT_METER: MeterOptions = {
  startBudget: 2_000_000_000,
  // 256 MiB.
  maxMemoryPages: 4096,
  maxTableElements: 1_000_000,
};

export interface MeteredModule {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly meter: ModuleMeter;
}

/** Sections in the order in which modules must have them. */
const ORDER: readonly number[] = [
  SectionId.Type,
  SectionId.Import,
  SectionId.Function,
  SectionId.Table,
  SectionId.Memory,
  SectionId.Tag,
  SectionId.Global,
  SectionId.Export,
  SectionId.Start,
  SectionId.Element,
  SectionId.DataCount,
  SectionId.Code,
  SectionId.Data,
];

/** The module with a meter, or a text that says why it cannot have one. The engine must have accepted it. */
export function meterModule(bytes: Uint8Array, options: MeterOptions): MeteredModule | string {
  try {
    const layout = readLayout(bytes, options.exportsStart === true);
    return rewrite(bytes, layout, options);
  } catch (error) {
    if (error instanceof UnreadableModule) return error.message;
    throw error;
  }
}

function rewrite(bytes: Uint8Array, layout: Layout, options: MeterOptions): MeteredModule {
  const output = new BinaryWriter(bytes.length + (bytes.length >> 1) + 1024);
  output.copy(bytes, 0, 8);
  const added = [
    { id: SectionId.Global, write: () => writeGlobals(output, bytes, null, options.startBudget) },
    { id: SectionId.Export, write: () => writeExports(output, bytes, null, layout) },
  ].filter((each) => !layout.sections.some((section) => section.id === each.id));
  let code: CodeMeter | null = null;
  let hasIndirectImports = false;
  for (const section of layout.sections) {
    if (section.id !== SectionId.Custom) {
      while (added.length > 0 && ORDER.indexOf(added[0]!.id) < ORDER.indexOf(section.id)) added.shift()!.write();
    } else if (dependsOnOffsets(bytes, section)) continue;
    if (section.id === SectionId.Start && layout.start !== null) continue;
    if (section.id === SectionId.Global) writeGlobals(output, bytes, section, options.startBudget);
    else if (section.id === SectionId.Export) writeExports(output, bytes, section, layout);
    else if (section.id === SectionId.Memory) writeMemories(output, bytes, section, options.maxMemoryPages);
    else if (section.id === SectionId.Table) writeTables(output, bytes, section, options.maxTableElements);
    else if (section.id === SectionId.Code) {
      code = new CodeMeter(output, bytes, layout);
      code.write(section);
    } else {
      if (section.id === SectionId.Element) hasIndirectImports = namesImports(bytes, section, layout.importedFunctions);
      output.copy(bytes, section.at, section.end);
    }
  }
  for (const each of added) each.write();
  return {
    bytes: output.bytes.subarray(0, output.length),
    meter: {
      fuelExport: layout.fuelExport,
      startExport: layout.start === null ? null : layout.startExport,
      hasIndirectImports: hasIndirectImports || code?.refersToImports === true,
      catches: code?.catches === true,
      insertedAt: code?.insertedAt ?? new Uint32Array(0),
      shiftAfter: code?.shiftAfter ?? new Int32Array(0),
    },
  };
}

/** The offset in the original module of a byte of the rewritten one's code. */
export function originalOffset(meter: ModuleMeter, offset: number): number {
  const { insertedAt, shiftAfter } = meter;
  let low = 0;
  let high = insertedAt.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (insertedAt[middle]! + shiftAfter[middle]! <= offset) low = middle + 1;
    else high = middle;
  }
  const original = low === 0 ? offset : offset - shiftAfter[low - 1]!;
  // A byte that was put in belongs to the place where that was done.
  return low < insertedAt.length ? Math.min(original, insertedAt[low]!) : original;
}
