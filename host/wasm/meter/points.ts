// host/wasm/meter/points.ts: places in the code where something is put in.
// pure: no I/O, no clock, no runtime globals
// hot: thousands per module; see bench/micro/meter.bench.ts
/** @module */

/** Places in the code where something is put in, and what each costs. */
export class Points {
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
