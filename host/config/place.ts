// host/config/place.ts: where in the configuration something is, in Envoy's terms.
/**
 * Places are linked upwards and become text only when a diagnostic needs them.
 *
 * @module
 */

export class Place {
  readonly #parent: Place | null;
  readonly #segment: string;

  constructor(parent: Place | null, segment: string) {
    this.#parent = parent;
    this.#segment = segment;
  }

  field(name: string): Place {
    return new Place(this, name);
  }

  item(index: number): Place {
    return new Place(this, `[${index}]`);
  }

  entry(key: string): Place {
    return new Place(this, `["${key}"]`);
  }

  toString(): string {
    const parent = this.#parent === null ? "" : this.#parent.toString();
    return parent === "" || this.#segment.startsWith("[") ? parent + this.#segment : `${parent}.${this.#segment}`;
  }
}

export const ROOT_PLACE: Place = new Place(null, "");
