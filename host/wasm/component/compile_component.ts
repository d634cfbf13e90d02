// host/wasm/component/compile_component.ts: from a component's bytes to a module that VMs are made of.
// pure: no I/O, no clock, no runtime globals
/**
 * Engines know core modules only, so a component is validated by somebody who knows components
 * (`ComponentValidator`), then taken apart; each of its core modules is metered and compiled like any other.
 * No JavaScript is generated: what runs a component is in this folder.
 *
 * @module
 */
import { toHex } from "../../base/bytes.ts";
import type { Diagnostic } from "../../base/diagnostic.ts";
import { compileCore, type CompiledCore } from "../compile_core.ts";
import { unusableMemory } from "../diagnostics.ts";
import type { MeterOptions } from "../meter.ts";
import type { WasmModule } from "../module.ts";
import { readComponent } from "./component_reader.ts";
import * as problems from "./diagnostics.ts";
import type { ComponentPlan } from "./layout.ts";
import { planLinks } from "./plan.ts";

/** Says whether bytes are a valid component. */
export interface ComponentValidator {
  /** Null when they are; otherwise what is wrong. */
  validate(bytes: Uint8Array): Promise<Diagnostic | null>;
}

const PAGE_BYTES = 65536;
/** 1 MiB. */
const MAX_PART_PAGES = 16;
const MAX_PART_ELEMENTS = 65_536;

/** The preamble of components: the magic number, version 13 and layer 1. */
const PREAMBLE = [0x00, 0x61, 0x73, 0x6d, 0x0d, 0x00, 0x01, 0x00];

/** Whether the bytes begin as a component does. */
export function looksLikeComponent(bytes: Uint8Array): boolean {
  return PREAMBLE.every((byte, index) => bytes[index] === byte);
}

/** A component as a module, or what is wrong with it. */
export async function compileComponent(
  bytes: Uint8Array,
  limits: MeterOptions | null,
  validator: ComponentValidator | null,
): Promise<{ readonly module: WasmModule } | { readonly diagnostics: readonly Diagnostic[] }> {
  if (validator === null) return { diagnostics: [problems.componentsNotHere()] };
  const invalid = await validator.validate(bytes);
  if (invalid !== null) return { diagnostics: [invalid] };
  const layout = readComponent(bytes);
  if (typeof layout === "string") return { diagnostics: [problems.unusableComponent(layout)] };
  const links = planLinks(layout);
  if (!("callbacks" in links)) return { diagnostics: links };
  const parts: CompiledCore[] = [];
  for (const { start, end } of layout.modules) {
    const isMain = parts.length === links.mainPart;
    const part = await compileCore(bytes.slice(start, end), isMain || limits === null ? limits : partLimits(limits));
    if ("diagnostics" in part) return part;
    parts.push(part);
  }
  const memory = checkMemory(parts[links.mainPart]!, limits) ?? checkOtherMemories(parts);
  if (memory !== null) return { diagnostics: [memory] };
  const { code, info, meter } = parts[links.mainPart]!;
  const digest = toHex(new Uint8Array(await crypto.subtle.digest("SHA-256", bytes as Uint8Array<ArrayBuffer>)));
  const component: ComponentPlan = {
    parts: parts.map((part) => ({
      code: part.code,
      fuelExport: part.meter?.fuelExport ?? null,
      startFuel: limits?.startBudget ?? 0,
    })),
    links,
  };
  return { module: { code, info: { ...info, byteLength: bytes.length }, digest, meter, component } };
}

/** Memory that is not the filter's own is that of stubs, and counts as nothing: so it is small. */
function partLimits(limits: MeterOptions): MeterOptions {
  return {
    ...limits,
    maxMemoryPages: Math.min(limits.maxMemoryPages, MAX_PART_PAGES),
    maxTableElements: Math.min(limits.maxTableElements, MAX_PART_ELEMENTS),
  };
}

function checkOtherMemories(parts: readonly CompiledCore[]): Diagnostic | null {
  const most = Math.max(...parts.map(({ info }) => info.memories.length));
  return most <= 1 ? null : unusableMemory(`one of its modules has ${most} of them, at most one is allowed`);
}

/** The filter's memory must be of a kind and size that guests may have. */
function checkMemory({ info }: CompiledCore, limits: MeterOptions | null): Diagnostic | null {
  const own = info.memories.slice(info.imports.filter((row) => row.kind === "memory").length);
  if (own.length !== 1) return unusableMemory(`there are ${own.length} of them, expected one`);
  const [memory] = own;
  if (memory!.shared) return unusableMemory("it is shared between threads");
  if (memory!.is64) return unusableMemory("its addresses have 64 bits");
  if (limits === null || memory!.min <= limits.maxMemoryPages) return null;
  const most = limits.maxMemoryPages * PAGE_BYTES;
  return unusableMemory(`it starts with ${memory!.min * PAGE_BYTES} bytes, at most ${most} are allowed`);
}
