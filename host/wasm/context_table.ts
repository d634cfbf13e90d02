// host/wasm/context_table.ts: the live contexts of a VM by id.
// pure: no I/O, no clock, no runtime globals
// hot: bench/micro/wasm_hostcalls.bench.ts
/**
 * Not a `Map`: V8 replaces the table of a map that entries come to and go from every few dozen of them, and
 * each outgrown table points to its successor. Once one of them is in the old generation, every later one,
 * with the contexts it held, survives until the next full collection: 8 of 16 MiB at each minor one.
 *
 * Open addressing with linear probing; ids are handed out in order, so that a context is nearly always at
 * its first place.
 *
 * @module
 */
import type { Context } from "./context.ts";

const LEAST_CAPACITY = 16;

/** Contexts by their id. Iterating it while it changes is not supported. */
export class ContextTable {
  #slots: (Context | null)[] = emptySlots(LEAST_CAPACITY);
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** The context of this id, or null. */
  get(id: number): Context | null {
    const mask = this.#slots.length - 1;
    for (let i = id & mask;; i = (i + 1) & mask) {
      const context = this.#slots[i]!;
      if (context === null || context.id === id) return context;
    }
  }

  /** Takes in a context whose id no other has. */
  add(context: Context): void {
    if (this.#size * 2 >= this.#slots.length) this.#grow();
    this.#size++;
    this.#place(context);
  }

  /** Takes the context out; does nothing when it is not there. */
  remove(context: Context): void {
    const slots = this.#slots;
    const mask = slots.length - 1;
    let hole = context.id & mask;
    while (slots[hole] !== context) {
      if (slots[hole] === null) return;
      hole = (hole + 1) & mask;
    }
    this.#size--;
    // Those behind the hole that probed past it move up, so that no search ends too soon.
    for (let i = (hole + 1) & mask; slots[i] !== null; i = (i + 1) & mask) {
      const wanted = slots[i]!.id & mask;
      if (((i - wanted) & mask) < ((i - hole) & mask)) continue;
      slots[hole] = slots[i]!;
      hole = i;
    }
    slots[hole] = null;
  }

  /** All contexts, in no order. */
  all(): Context[] {
    return this.#slots.filter((context) => context !== null);
  }

  #place(context: Context): void {
    const mask = this.#slots.length - 1;
    let i = context.id & mask;
    while (this.#slots[i] !== null) i = (i + 1) & mask;
    this.#slots[i] = context;
  }

  #grow(): void {
    const contexts = this.all();
    this.#slots = emptySlots(this.#slots.length * 2);
    for (const context of contexts) this.#place(context);
  }
}

function emptySlots(capacity: number): (Context | null)[] {
  return new Array<Context | null>(capacity).fill(null);
}
