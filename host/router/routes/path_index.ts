// host/router/routes/path_index.ts: finds the routes that a path can match without looking at the others.
// pure: no I/O, no clock, no runtime globals
// hot: runs per request; see bench/micro/route.bench.ts
/**
 * A radix tree over exact paths and prefixes. The first route in the order of the configuration wins, not
 * the most specific one, so every node on the way may hold the answer: a walk keeps the lowest order that
 * fits. Its cost depends on the length of the path, not on the number of routes.
 *
 * @module
 */

/** Says whether the route at `order` takes the request in everything but its path. */
export interface RouteConditions<Request> {
  accepts(order: number, request: Request): boolean;
}

class PathNode {
  label: string;
  /** By the first character of their labels, from `#firstCode` on. */
  #children: (PathNode | null)[] = [];
  #firstCode = 0;
  /** Orders, ascending, of prefix routes that end here. */
  prefix: number[] = NONE;
  exact: number[] = NONE;
  separated: number[] = NONE;

  constructor(label: string) {
    this.label = label;
  }

  child(code: number): PathNode | null {
    const slot = code - this.#firstCode;
    return slot >= 0 && slot < this.#children.length ? this.#children[slot]! : null;
  }

  /** Puts a child where its label says. */
  setChild(node: PathNode): void {
    const code = node.label.charCodeAt(0);
    if (this.#children.length === 0) this.#firstCode = code;
    for (; code < this.#firstCode; this.#firstCode--) this.#children.unshift(null);
    while (code - this.#firstCode >= this.#children.length) this.#children.push(null);
    this.#children[code - this.#firstCode] = node;
  }
}

const NONE: number[] = [];

export class PathIndex<Request> {
  readonly #root = new PathNode("");
  isEmpty = true;

  /** Adds a route; orders must come ascending. */
  insert(kind: "prefix" | "path" | "separatedPrefix", value: string, order: number): void {
    this.isEmpty = false;
    const node = this.#nodeAt(value);
    switch (kind) {
      case "prefix":
        node.prefix = withOrder(node.prefix, order);
        break;
      case "path":
        node.exact = withOrder(node.exact, order);
        break;
      case "separatedPrefix":
        node.separated = withOrder(node.separated, order);
        break;
    }
  }

  /** The lowest order below `best` that fits, or `best`. `path` has no query. */
  lowest(path: string, best: number, conditions: RouteConditions<Request>, request: Request): number {
    let node = this.#root;
    let position = 0;
    let found = best;
    for (;;) {
      if (node.prefix !== NONE) found = first(node.prefix, found, conditions, request);
      if (position === path.length) {
        if (node.exact !== NONE) found = first(node.exact, found, conditions, request);
        if (node.separated !== NONE) found = first(node.separated, found, conditions, request);
        return found;
      }
      const code = path.charCodeAt(position);
      if (code === SLASH && node.separated !== NONE) found = first(node.separated, found, conditions, request);
      const child = node.child(code);
      if (child === null) return found;
      const { label } = child;
      if (label.length > 1 && !path.startsWith(label, position)) return found;
      position += label.length;
      node = child;
    }
  }

  /** The node for exactly `value`, made by splitting where needed. */
  #nodeAt(value: string): PathNode {
    let node = this.#root;
    let position = 0;
    while (position < value.length) {
      const child = node.child(value.charCodeAt(position));
      if (child === null) {
        const leaf = new PathNode(value.slice(position));
        node.setChild(leaf);
        return leaf;
      }
      const shared = sharedLength(child.label, value, position);
      position += shared;
      if (shared === child.label.length) {
        node = child;
        continue;
      }
      const middle = new PathNode(child.label.slice(0, shared));
      node.setChild(middle);
      child.label = child.label.slice(shared);
      middle.setChild(child);
      node = middle;
    }
    return node;
  }
}

const SLASH = 0x2f;

function withOrder(orders: number[], order: number): number[] {
  if (orders === NONE) return [order];
  orders.push(order);
  return orders;
}

function first<Request>(
  orders: readonly number[],
  best: number,
  conditions: RouteConditions<Request>,
  request: Request,
): number {
  for (let i = 0; i < orders.length; i++) {
    const order = orders[i]!;
    if (order >= best) return best;
    if (conditions.accepts(order, request)) return order;
  }
  return best;
}

function sharedLength(label: string, value: string, start: number): number {
  let length = 0;
  while (length < label.length && label.charCodeAt(length) === value.charCodeAt(start + length)) length++;
  return length;
}
