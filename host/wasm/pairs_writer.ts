// host/wasm/pairs_writer.ts: header maps written as pairs straight into guest memory.
// pure: no I/O, no clock, no runtime globals
// hot: see bench/micro/wasm_hostcalls.bench.ts
/**
 * One pass and no intermediate copy: the map knows its entries and bytes, so the size is known beforehand.
 *
 * @see abi/pairs.ts for the format
 * @module
 */
import { Status } from "../../abi/mod.ts";
import { latin1Write } from "../base/bytes.ts";
import type { HeaderMapPort } from "./ports.ts";
import type { Vm } from "./vm.ts";

const NO_BYTES = new Uint8Array(0);
const NO_VIEW = new DataView(NO_BYTES.buffer);

export class PairsWriter {
  #bytes: Uint8Array = NO_BYTES;
  #view: DataView = NO_VIEW;
  #lengths = 0;
  #data = 0;
  readonly #writeEntry = (name: string, value: string): void => {
    const view = this.#view;
    view.setUint32(this.#lengths, name.length, true);
    view.setUint32(this.#lengths + 4, value.length, true);
    this.#lengths += 8;
    const bytes = this.#bytes;
    let offset = this.#data;
    latin1Write(bytes, name, offset);
    offset += name.length;
    bytes[offset++] = 0;
    latin1Write(bytes, value, offset);
    offset += value.length;
    bytes[offset++] = 0;
    this.#data = offset;
  };

  /** Hands all entries of a map that has some to the guest. */
  returnMap(vm: Vm, map: HeaderMapPort, outPtr: number, outSize: number): Status {
    const memory = vm.memory;
    if (!memory.has(outPtr, 4) || !memory.has(outSize, 4)) return Status.InvalidMemoryAccess;
    const count = map.size;
    const size = 4 + count * 10 + map.byteSize;
    const ptr = vm.allocate(size);
    if (ptr === 0) return Status.InvalidMemoryAccess;
    this.#bytes = memory.view(ptr, size);
    this.#view = new DataView(this.#bytes.buffer, ptr, size);
    this.#view.setUint32(0, count, true);
    this.#lengths = 4;
    this.#data = 4 + count * 8;
    map.forEach(this.#writeEntry);
    // A view of the guest's memory must not outlive the call: the guest may grow it.
    this.#bytes = NO_BYTES;
    this.#view = NO_VIEW;
    memory.setU32(outPtr, ptr);
    memory.setU32(outSize, size);
    return Status.Ok;
  }
}
