// host/upstream/lb/edf.ts: earliest deadline first: weighted round robin that spreads evenly.
// pure: no I/O, no clock, no runtime globals
// hot: once per request with weights; see bench/micro/load_balancing.bench.ts
/**
 * Every entry has a deadline, 1/weight after its last turn; the earliest one is next. In each round of
 * (sum of weights) turns every entry comes `weight` times, and its turns lie as far apart as they can. Entries of
 * one deadline come in the order in which they got it.
 *
 * Deadlines are computed and compared just as Envoy does it, so that where rounding decides it decides alike.
 *
 * Entries play a tournament: of two the earlier one goes on, and after its turn the winner's matches alone are
 * played again. Unlike in a heap, who meets whom is known beforehand, and no branch depends on who wins: half of
 * them would be predicted wrongly, which would cost more than all the rest.
 *
 * @see Envoy: source/common/upstream/edf_scheduler.h
 * @module
 */

/** More picks before the first one would only cost precision. */
const MOST_PICKS = 429_496_729;

/** Keeps quotients of weights that are multiples of each other from being rounded apart. */
const EPSILON = 1e-13;

export class EdfScheduler<T> {
  readonly #items: readonly T[];
  readonly #weightOf: (item: T) => number;
  /** By the index of the entry: columns, so that numbers are no objects. */
  readonly #deadlines: Float64Array;
  readonly #orders: Float64Array;
  /** Entries by place: `place` is where those of `2 * place` and the next one met; the last half are the entries. */
  readonly #winners: Uint32Array;
  #order: number;

  /** A schedule of one entry at least, as it is after so many picks of entries that all had their turn ahead. */
  constructor(items: readonly T[], weightOf: (item: T) => number, picks: number) {
    const { length } = items;
    this.#items = items;
    this.#weightOf = weightOf;
    this.#deadlines = new Float64Array(length);
    this.#orders = Float64Array.from(items, (_, index) => index);
    this.#winners = Uint32Array.from({ length: 2 * length }, (_, place) => place < length ? 0 : place - length);
    this.#order = length;
    const wanted = picks % MOST_PICKS;
    const weights = Float64Array.from(items, (item) => weightOf(item) + EPSILON);
    const sum = weights.reduce((total, weight) => total + weight, 0);
    let made = 0;
    weights.forEach((weight, index) => {
      let turns = Math.floor(weight * wanted / sum);
      if (turns > 0 && turns / weight >= wanted / sum) turns--;
      made += turns;
      this.#deadlines[index] = (turns + 1) / weight;
    });
    for (let place = length - 1; place > 0; place--) {
      this.#winners[place] = this.#earlier(this.#winners[2 * place]!, this.#winners[2 * place + 1]!);
    }
    for (; made < wanted; made++) this.pickAndAdd();
  }

  /** The next entry, put back at once with the weight that it has now. */
  pickAndAdd(): T {
    const index = this.#winners[1]!;
    const item = this.#items[index]!;
    this.#deadlines[index] = this.#deadlines[index]! + 1 / this.#weightOf(item);
    this.#orders[index] = this.#order++;
    const winners = this.#winners;
    let winner = index;
    for (let place = index + this.#items.length; place > 1;) {
      winner = this.#earlier(winner, winners[place ^ 1]!);
      place >>= 1;
      winners[place] = winner;
    }
    return item;
  }

  /** Which of two entries is next. */
  #earlier(one: number, other: number): number {
    const its = this.#deadlines[one]!, others = this.#deadlines[other]!;
    let isOther = Number(others < its);
    if (others === its) isOther = Number(this.#orders[other]! < this.#orders[one]!);
    return one ^ ((one ^ other) & -isOther);
  }
}
