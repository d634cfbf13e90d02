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
import { BinaryReader, type Limits, UnreadableModule } from "./binary_reader.ts";
import {
  MISC_MEMORY_COPY,
  MISC_MEMORY_FILL,
  MISC_MEMORY_INIT,
  MISC_TABLE_COPY,
  MISC_TABLE_FILL,
  MISC_TABLE_GROW,
  MISC_TABLE_INIT,
  OP_BLOCK,
  OP_CALL,
  OP_DELEGATE,
  OP_END,
  OP_IF,
  OP_LOOP,
  OP_MEMORY_GROW,
  OP_PREFIX_MISC,
  OP_REF_FUNC,
  OP_RETURN_CALL,
  OP_TRY,
  OP_TRY_TABLE,
  skipImmediates,
  skipMisc,
} from "./instructions.ts";
import type { ModuleMeter } from "./module.ts";
import { FIRST_SECTION, readImport, readSections, type Section, SectionId } from "./sections.ts";

/** Changes when the same bytes are rewritten in another way: part of the key under which results are kept. */
export const METER_VERSION = 2;

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

/** Costs of points that are no number of instructions. */
const COST_RANGE = -1;
const COST_PAGES = -2;
const COST_HOSTCALL = -3;
/** What a call of a host function costs: about as much time as so many turns of a small loop. */
export const HOSTCALL_UNITS = 63;
const FUEL_NAME = "nuncio_fuel";
const START_NAME = "nuncio_start";
/** Each may be as large as tables may be. Compilers make one, and another one for references to the host's things. */
const MAX_TABLES = 8;

/** What is known of the sections before the code. */
interface Layout {
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

function readLayout(bytes: Uint8Array, exportsStart: boolean): Layout {
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

function unused(name: string, names: ReadonlySet<string>): string {
  return names.has(name) ? unused(`${name}_`, names) : name;
}

function refuseLimits(what: string, limits: Limits): void {
  if (limits.is64) throw new UnreadableModule(`its ${what} has 64-bit addresses, which are not supported`);
  if (limits.shared) throw new UnreadableModule(`its ${what} is shared, which is not supported`);
}

/** Bytes that grow. */
class Output {
  bytes: Uint8Array<ArrayBuffer>;
  length = 0;

  constructor(capacity: number) {
    this.bytes = new Uint8Array(capacity);
  }

  byte(value: number): void {
    if (this.length === this.bytes.length) this.#reserve(1);
    this.bytes[this.length++] = value;
  }

  number(value: number): void {
    while (value >= 0x80) {
      this.byte((value & 0x7f) | 0x80);
      value >>>= 7;
    }
    this.byte(value);
  }

  /** A signed number that is not negative. */
  constant(value: number): void {
    while (value >= 0x40) {
      this.byte((value & 0x7f) | 0x80);
      value >>>= 7;
    }
    this.byte(value);
  }

  copy(source: Uint8Array, start: number, end: number): void {
    const size = end - start;
    if (this.length + size > this.bytes.length) this.#reserve(size);
    // Most pieces are a few bytes: a view for each would cost more than the copy.
    if (size < 64) {
      const { bytes } = this;
      let to = this.length;
      for (let from = start; from < end; from++) bytes[to++] = source[from]!;
    } else this.bytes.set(source.subarray(start, end), this.length);
    this.length += size;
  }

  #reserve(size: number): void {
    const larger = new Uint8Array(Math.max(this.bytes.length * 2, this.length + size));
    larger.set(this.bytes);
    this.bytes = larger;
  }
}

function numberSize(value: number): number {
  let size = 1;
  while ((value >>>= 7) > 0) size++;
  return size;
}

function constantSize(value: number): number {
  let size = 1;
  for (; value >= 0x40; value >>>= 7) size++;
  return size;
}

/** Places in the code where something is put in, and what each costs. */
class Points {
  offsets: Uint32Array = new Uint32Array(4096);
  costs: Int32Array = new Int32Array(4096);
  length = 0;

  add(offset: number, cost: number): number {
    if (this.length === this.offsets.length) {
      const offsets = new Uint32Array(this.length * 2);
      offsets.set(this.offsets);
      this.offsets = offsets;
      const costs = new Int32Array(this.length * 2);
      costs.set(this.costs);
      this.costs = costs;
    }
    this.offsets[this.length] = offset;
    this.costs[this.length] = cost;
    return this.length++;
  }
}

function rewrite(bytes: Uint8Array, layout: Layout, options: MeterOptions): MeteredModule {
  const output = new Output(bytes.length + (bytes.length >> 1) + 1024);
  output.copy(bytes, 0, 8);
  const added = [
    { id: SectionId.Global, write: () => writeGlobals(output, bytes, null, options.startBudget) },
    { id: SectionId.Export, write: () => writeExports(output, bytes, null, layout) },
  ].filter((each) => !layout.sections.some((section) => section.id === each.id));
  let code: CodeWriter | null = null;
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
      code = new CodeWriter(output, bytes, layout);
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

/** Debug information and hints that refer to byte offsets in the code would be wrong now. */
function dependsOnOffsets(bytes: Uint8Array, section: Section): boolean {
  const name = new BinaryReader(bytes, section.start, section.end).name();
  return name.startsWith(".debug_") || name.startsWith("metadata.code.") || name.startsWith("reloc.") ||
    name === "external_debug_info";
}

/** Whether a segment of the element section has an imported function in it. */
function namesImports(bytes: Uint8Array, section: Section, importedFunctions: number): boolean {
  const reader = new BinaryReader(bytes, section.start, section.end);
  let found = false;
  for (let segments = reader.number(); segments > 0; segments--) {
    const flags = reader.number();
    const isActive = (flags & 1) === 0;
    if (isActive && (flags & 2) !== 0) reader.skipNumber();
    if (isActive) skipExpression(reader);
    const hasExpressions = (flags & 4) !== 0;
    // A kind or a type, where it is not that of functions by default.
    if ((flags & 3) !== 0) {
      if (hasExpressions) reader.valueType();
      else reader.byte();
    }
    for (let count = reader.number(); count > 0; count--) {
      const index = hasExpressions ? skipExpression(reader) : reader.number();
      if (index < importedFunctions) found = true;
    }
  }
  return found;
}

/** Moves past a constant expression; the index of the function that it refers to, or Infinity. */
function skipExpression(reader: BinaryReader): number {
  let index = Infinity;
  for (let opcode = reader.byte(); opcode !== OP_END; opcode = reader.byte()) {
    if (opcode === OP_REF_FUNC) index = reader.number();
    else skipImmediates(reader, opcode);
  }
  return index;
}

/** A section whose contents `write` makes; their length is known only afterwards. */
function writeSection(output: Output, id: number, write: (content: Output) => void): void {
  const content = new Output(1024);
  write(content);
  output.byte(id);
  output.number(content.length);
  output.copy(content.bytes, 0, content.length);
}

/** The count of a vector with so many more, and its entries. */
function copyWithMore(content: Output, bytes: Uint8Array, section: Section | null, more = 1): void {
  if (section === null) return content.number(more);
  const reader = new BinaryReader(bytes, section.start, section.end);
  content.number(reader.number() + more);
  content.copy(bytes, reader.offset, section.end);
}

function writeGlobals(output: Output, bytes: Uint8Array, section: Section | null, budget: number): void {
  writeSection(output, SectionId.Global, (content) => {
    copyWithMore(content, bytes, section);
    // i32, mutable, with the budget as its value.
    content.byte(0x7f);
    content.byte(1);
    content.byte(0x41);
    content.constant(budget);
    content.byte(OP_END);
  });
}

function writeExports(output: Output, bytes: Uint8Array, section: Section | null, layout: Layout): void {
  writeSection(output, SectionId.Export, (content) => {
    copyWithMore(content, bytes, section, layout.start === null ? 1 : 2);
    writeExport(content, layout.fuelExport, 3, layout.fuelIndex);
    if (layout.start !== null) writeExport(content, layout.startExport, 0, layout.start);
  });
}

function writeExport(content: Output, name: string, kind: number, index: number): void {
  content.number(name.length);
  for (let i = 0; i < name.length; i++) content.byte(name.charCodeAt(i));
  content.byte(kind);
  content.number(index);
}

function writeMemories(output: Output, bytes: Uint8Array, section: Section, maxPages: number): void {
  writeSection(output, SectionId.Memory, (content) => {
    const reader = new BinaryReader(bytes, section.start, section.end);
    let count = reader.number();
    content.number(count);
    for (; count > 0; count--) writeLimits(content, "memory", reader.limits(), maxPages);
  });
}

function writeTables(output: Output, bytes: Uint8Array, section: Section, maxElements: number): void {
  writeSection(output, SectionId.Table, (content) => {
    const reader = new BinaryReader(bytes, section.start, section.end);
    let count = reader.number();
    if (count > MAX_TABLES) throw new UnreadableModule(`it has ${count} tables, at most ${MAX_TABLES} are allowed`);
    content.number(count);
    for (; count > 0; count--) {
      const at = reader.offset;
      const hasInitialValue = bytes[at] === 0x40;
      if (hasInitialValue) reader.offset += 2;
      reader.valueType();
      content.copy(bytes, at, reader.offset);
      writeLimits(content, "table", reader.limits(), maxElements);
      if (!hasInitialValue) continue;
      const expression = reader.offset;
      skipExpression(reader);
      content.copy(bytes, expression, reader.offset);
    }
  });
}

function writeLimits(content: Output, what: string, limits: Limits, most: number): void {
  refuseLimits(what, limits);
  if (limits.min > most) {
    throw new UnreadableModule(`its ${what} begins with ${limits.min}, at most ${most} are allowed`);
  }
  content.byte(1);
  content.number(limits.min);
  content.number(Math.min(limits.max ?? most, most));
}

/** Writes the code section. First all places are found, then everything is written with its length known. */
class CodeWriter {
  readonly #output: Output;
  readonly #bytes: Uint8Array;
  readonly #layout: Layout;
  readonly #points: Points = new Points();
  readonly #chargeSize: number;
  /** Of the loops and the function around the current instruction: its point, or -1 for other blocks. */
  readonly #blocks: number[] = [];
  insertedAt: Uint32Array = new Uint32Array(0);
  shiftAfter: Int32Array = new Int32Array(0);
  /** An imported function is made a reference somewhere. */
  refersToImports = false;
  /** There is an exception handler. */
  catches = false;

  constructor(output: Output, bytes: Uint8Array, layout: Layout) {
    this.#output = output;
    this.#bytes = bytes;
    this.#layout = layout;
    // Everything but the constant: see #writeCharge.
    this.#chargeSize = 12 + 3 * numberSize(layout.fuelIndex);
  }

  write(section: Section): void {
    const reader = new BinaryReader(this.#bytes, section.start, section.end);
    const count = reader.number();
    const bodies: Body[] = [];
    let size = numberSize(count);
    for (let i = 0; i < count; i++) {
      const length = reader.number();
      const body = this.#scan(reader, reader.offset + length, this.#layout.parameterCounts[i]!);
      bodies.push(body);
      size += numberSize(body.newSize) + body.newSize;
    }
    this.#output.byte(SectionId.Code);
    this.#output.number(size);
    this.#output.number(count);
    const points = this.#points;
    this.insertedAt = points.offsets.slice(0, points.length);
    this.shiftAfter = new Int32Array(points.length);
    for (const body of bodies) this.#writeBody(body);
  }

  /** Finds the places of one function. */
  #scan(reader: BinaryReader, end: number, parameters: number): Body {
    const start = reader.offset;
    const groups = reader.number();
    const groupsAt = reader.offset;
    let locals = parameters;
    for (let i = 0; i < groups; i++) {
      locals += reader.number();
      reader.valueType();
    }
    const codeAt = reader.offset;
    const points = this.#points;
    const blocks = this.#blocks;
    blocks.length = 0;
    const firstPoint = points.add(codeAt, 0);
    let current = firstPoint;
    let needsLocal = false;
    blocks.push(firstPoint);
    reader.end = end;
    while (reader.offset < end) {
      const at = reader.offset;
      const opcode = reader.byte();
      points.costs[current]!++;
      switch (opcode) {
        case OP_LOOP:
          skipImmediates(reader, opcode);
          current = points.add(reader.offset, 0);
          blocks.push(current);
          break;
        case OP_BLOCK:
        case OP_IF:
          skipImmediates(reader, opcode);
          blocks.push(-1);
          break;
        case OP_TRY:
        case OP_TRY_TABLE:
          this.catches = true;
          skipImmediates(reader, opcode);
          blocks.push(-1);
          break;
        case OP_DELEGATE:
          skipImmediates(reader, opcode);
          blocks.pop();
          break;
        case OP_END:
          if (blocks.pop() !== -1) current = enclosing(blocks);
          break;
        case OP_CALL:
        case OP_RETURN_CALL:
          if (reader.number() < this.#layout.importedFunctions) points.add(at, COST_HOSTCALL);
          break;
        case OP_REF_FUNC:
          if (reader.number() < this.#layout.importedFunctions) this.refersToImports = true;
          break;
        case OP_MEMORY_GROW:
          points.add(at, COST_PAGES);
          needsLocal = true;
          skipImmediates(reader, opcode);
          break;
        case OP_PREFIX_MISC:
          if (costsByRange(skipMisc(reader))) {
            points.add(at, COST_RANGE);
            needsLocal = true;
          }
          break;
        default:
          skipImmediates(reader, opcode);
      }
    }
    reader.end = this.#bytes.length;
    let newSize = end - start;
    if (needsLocal) newSize += numberSize(groups + 1) - numberSize(groups) + 2;
    const local = numberSize(locals);
    for (let i = firstPoint; i < points.length; i++) {
      let cost = points.costs[i]!;
      // One for each 64 instructions, and for having come here.
      if (cost >= 0) points.costs[i] = cost = 1 + (cost >>> 6);
      else if (cost === COST_HOSTCALL) points.costs[i] = cost = HOSTCALL_UNITS;
      newSize += this.#chargeSize +
        (cost >= 0 ? constantSize(cost) : 4 + 2 * local + (cost === COST_PAGES ? PAGES_EXTRA_SIZE : 0));
    }
    return { start, groups, groupsAt, codeAt, end, locals, needsLocal, newSize, firstPoint, endPoint: points.length };
  }

  #writeBody(body: Body): void {
    const output = this.#output;
    const bytes = this.#bytes;
    const points = this.#points;
    output.number(body.newSize);
    output.number(body.needsLocal ? body.groups + 1 : body.groups);
    output.copy(bytes, body.groupsAt, body.codeAt);
    if (body.needsLocal) {
      output.byte(1);
      output.byte(0x7f);
    }
    let copied = body.codeAt;
    for (let i = body.firstPoint; i < body.endPoint; i++) {
      const at = points.offsets[i]!;
      output.copy(bytes, copied, at);
      copied = at;
      this.#writeCharge(points.costs[i]!, body.locals);
      this.shiftAfter[i] = output.length - at;
    }
    output.copy(bytes, copied, body.end);
  }

  /** `fuel -= cost; if (fuel < 0) unreachable`, the cost being a constant or worked out from the operand on top. */
  #writeCharge(cost: number, local: number): void {
    const output = this.#output;
    const fuel = this.#layout.fuelIndex;
    if (cost < 0) {
      output.byte(0x22); // local.tee: the operand stays where it is
      output.number(local);
    }
    output.byte(0x23); // global.get
    output.number(fuel);
    if (cost >= 0) {
      output.byte(0x41); // i32.const
      output.constant(cost);
    } else {
      output.byte(0x20); // local.get
      output.number(local);
      if (cost === COST_PAGES) {
        // No memory has more than 65,536 pages; the product must not overflow.
        output.byte(0x41);
        output.constant(0xffff);
        output.byte(0x71); // i32.and
        output.byte(0x41);
        output.constant(4);
        output.byte(0x74); // i32.shl
      } else {
        output.byte(0x41);
        output.constant(6);
        output.byte(0x76); // i32.shr_u
      }
    }
    output.byte(0x6b); // i32.sub
    output.byte(0x24); // global.set
    output.number(fuel);
    output.byte(0x23);
    output.number(fuel);
    output.byte(0x41);
    output.byte(0);
    output.byte(0x48); // i32.lt_s
    output.byte(OP_IF);
    output.byte(0x40);
    output.byte(0x00); // unreachable
    output.byte(OP_END);
  }
}

/** Bytes by which working out the cost of pages is longer than that of a range. */
const PAGES_EXTRA_SIZE = 1 + constantSize(0xffff) + 1;

interface Body {
  readonly start: number;
  /** Groups of locals. */
  readonly groups: number;
  readonly groupsAt: number;
  readonly codeAt: number;
  readonly end: number;
  /** Parameters and locals. */
  readonly locals: number;
  readonly needsLocal: boolean;
  readonly newSize: number;
  readonly firstPoint: number;
  readonly endPoint: number;
}

/** The point of the loop or function that the innermost block is in. */
function enclosing(blocks: readonly number[]): number {
  for (let i = blocks.length - 1; i >= 0; i--) if (blocks[i] !== -1) return blocks[i]!;
  return 0;
}

function costsByRange(operation: number): boolean {
  switch (operation) {
    case MISC_MEMORY_INIT:
    case MISC_MEMORY_COPY:
    case MISC_MEMORY_FILL:
    case MISC_TABLE_INIT:
    case MISC_TABLE_COPY:
    case MISC_TABLE_GROW:
    case MISC_TABLE_FILL:
      return true;
    default:
      return false;
  }
}
