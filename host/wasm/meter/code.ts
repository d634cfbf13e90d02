// host/wasm/meter/code.ts: the code section with a charge at every place where something is paid.
// pure: no I/O, no clock, no runtime globals
// hot: once per instruction of a module; see bench/micro/meter.bench.ts
/** @module */
import { BinaryReader } from "../binary_reader.ts";
import { type BinaryWriter, constantSize, numberSize } from "../binary_writer.ts";
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
} from "../instructions.ts";
import { type Section, SectionId } from "../sections.ts";
import type { Layout } from "./layout.ts";
import { Points } from "./points.ts";

/** Costs of points that are no number of instructions. */
const COST_RANGE = -1;
const COST_PAGES = -2;
const COST_HOSTCALL = -3;
/** What a call of a host function costs: about as much time as so many turns of a small loop. */
export const HOSTCALL_UNITS = 63;
/** Bytes by which working out the cost of pages is longer than that of a range. */
const PAGES_EXTRA_SIZE = 1 + constantSize(0xffff) + 1;

/** Writes the code section. First all places are found, then everything is written with its length known. */
export class CodeMeter {
  readonly #output: BinaryWriter;
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

  constructor(output: BinaryWriter, bytes: Uint8Array, layout: Layout) {
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
