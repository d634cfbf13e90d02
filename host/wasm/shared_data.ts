// host/wasm/shared_data.ts: the hash table of all scopes' keys and values in shared memory.
// pure: no I/O, no clock, no runtime globals
/**
 * A value is a block of its own that an entry points to, so that storing a new one is one store. All
 * methods are for the holder of the arena's lock.
 *
 * @see Envoy: proxy-wasm-cpp-host src/shared_data.cc
 * @module
 */
import { Status } from "../../abi/mod.ts";
import { COUNTED, HEAD, type SharedScopes } from "./shared_scopes.ts";

// Words of an entry; the key follows. A value is its size and its bytes.
const ENTRY = { next: 0, hash: 1, scope: 2, cas: 3, value: 4, keySize: 5, key: 6 } as const;
const FIRST_BUCKET_COUNT = 256;

export class SharedData {
  /** The compare-and-swap number of the value that `get` gave last. */
  lastCas = 0;
  readonly #scopes: SharedScopes;

  constructor(scopes: SharedScopes) {
    this.#scopes = scopes;
  }

  get(scope: number, key: Uint8Array): Uint8Array | null {
    const entry = this.#find(scope, key, hashOf(scope, key));
    if (entry === 0) return null;
    const { words, bytes } = this.#scopes.arena;
    const data = words[(entry >> 2) + ENTRY.value]!;
    this.lastCas = words[(entry >> 2) + ENTRY.cas]! >>> 0;
    return bytes.slice(data + 4, data + 4 + words[data >> 2]!);
  }

  set(scope: number, key: Uint8Array, value: Uint8Array, cas: number): Status {
    const { arena } = this.#scopes;
    const hash = hashOf(scope, key);
    const known = this.#find(scope, key, hash);
    if (known !== 0 && cas !== 0 && arena.words[(known >> 2) + ENTRY.cas]! >>> 0 !== cas) return Status.CasMismatch;
    const data = this.#scopes.allocate(scope, 4 + value.length);
    if (data === 0) return Status.InternalFailure;
    const { words, bytes } = arena;
    words[data >> 2] = value.length;
    bytes.set(value, data + 4);
    if (known === 0) return this.#add(scope, key, hash, data);
    const word = known >> 2;
    const old = words[word + ENTRY.value]!;
    words[word + ENTRY.value] = data;
    words[word + ENTRY.cas] = this.#nextCas();
    this.#scopes.free(scope, old);
    return Status.Ok;
  }

  #add(scope: number, key: Uint8Array, hash: number, data: number): Status {
    const hasRoom = this.#scopes.hasRoom(scope, COUNTED.keys);
    const entry = hasRoom ? this.#scopes.allocate(scope, ENTRY.key * 4 + key.length) : 0;
    if (entry === 0 || !this.#makeRoom()) {
      this.#scopes.free(scope, data);
      if (entry !== 0) this.#scopes.free(scope, entry);
      return Status.InternalFailure;
    }
    const { words, bytes } = this.#scopes.arena;
    const word = entry >> 2;
    const bucket = this.#bucket(hash);
    words[word + ENTRY.next] = words[bucket]!;
    words[word + ENTRY.hash] = hash;
    words[word + ENTRY.scope] = scope;
    words[word + ENTRY.cas] = this.#nextCas();
    words[word + ENTRY.value] = data;
    words[word + ENTRY.keySize] = key.length;
    bytes.set(key, entry + ENTRY.key * 4);
    words[bucket] = entry;
    words[this.#scopes.head(HEAD.entryCount)]!++;
    this.#scopes.add(scope, COUNTED.keys, 1);
    return Status.Ok;
  }

  /** Ever higher and never 0, which means "whatever is there". */
  #nextCas(): number {
    const { words } = this.#scopes.arena;
    const index = this.#scopes.head(HEAD.lastCas);
    words[index]!++;
    if (words[index] === 0) words[index] = 1;
    return words[index]!;
  }

  #bucket(hash: number): number {
    const { words } = this.#scopes.arena;
    const count = words[this.#scopes.head(HEAD.bucketCount)]!;
    return (words[this.#scopes.head(HEAD.buckets)]! >> 2) + (hash & (count - 1));
  }

  #find(scope: number, key: Uint8Array, hash: number): number {
    const { words } = this.#scopes.arena;
    if (words[this.#scopes.head(HEAD.bucketCount)] === 0) return 0;
    for (let entry = words[this.#bucket(hash)]!; entry !== 0; entry = words[(entry >> 2) + ENTRY.next]!) {
      const word = entry >> 2;
      if (words[word + ENTRY.hash] !== hash || words[word + ENTRY.scope] !== scope) continue;
      if (this.#scopes.hasBytes(entry, ENTRY.keySize, ENTRY.key, key)) return entry;
    }
    return 0;
  }

  /** Makes more buckets when there are as many entries as buckets; false when there is no memory for the first. */
  #makeRoom(): boolean {
    const { arena } = this.#scopes;
    const count = arena.words[this.#scopes.head(HEAD.bucketCount)]!;
    if (arena.words[this.#scopes.head(HEAD.entryCount)]! < count) return true;
    const newCount = count === 0 ? FIRST_BUCKET_COUNT : count * 2;
    const buckets = arena.allocate(newCount * 4);
    // Chains become longer then.
    if (buckets === 0) return count !== 0;
    const { words } = arena;
    words.fill(0, buckets >> 2, (buckets >> 2) + newCount);
    const old = words[this.#scopes.head(HEAD.buckets)]!;
    for (let i = 0; i < count; i++) {
      for (let entry = words[(old >> 2) + i]!; entry !== 0;) {
        const word = entry >> 2;
        const next = words[word + ENTRY.next]!;
        const bucket = (buckets >> 2) + (words[word + ENTRY.hash]! & (newCount - 1));
        words[word + ENTRY.next] = words[bucket]!;
        words[bucket] = entry;
        entry = next;
      }
    }
    words[this.#scopes.head(HEAD.buckets)] = buckets;
    words[this.#scopes.head(HEAD.bucketCount)] = newCount;
    if (old !== 0) arena.free(old);
    return true;
  }

  /** How many keys a scope has. */
  countOf(scope: number): number {
    const { words } = this.#scopes.arena;
    const buckets = words[this.#scopes.head(HEAD.buckets)]! >> 2;
    let count = 0;
    for (let i = 0; i < words[this.#scopes.head(HEAD.bucketCount)]!; i++) {
      for (let entry = words[buckets + i]!; entry !== 0; entry = words[(entry >> 2) + ENTRY.next]!) {
        if (words[(entry >> 2) + ENTRY.scope] === scope) count++;
      }
    }
    return count;
  }

  /** Deletes all keys of a scope. */
  clear(scope: number): void {
    const { arena } = this.#scopes;
    const { words } = arena;
    const buckets = words[this.#scopes.head(HEAD.buckets)]!;
    for (let i = 0; i < words[this.#scopes.head(HEAD.bucketCount)]!; i++) {
      let link = (buckets >> 2) + i;
      for (let entry = words[link]!; entry !== 0; entry = words[link]!) {
        const word = entry >> 2;
        if (words[word + ENTRY.scope] !== scope) {
          link = word + ENTRY.next;
          continue;
        }
        words[link] = words[word + ENTRY.next]!;
        words[this.#scopes.head(HEAD.entryCount)]!--;
        this.#scopes.add(scope, COUNTED.keys, -1);
        arena.free(words[word + ENTRY.value]!);
        arena.free(entry);
      }
    }
  }

  *reachable(): Generator<number> {
    const { words } = this.#scopes.arena;
    const buckets = words[this.#scopes.head(HEAD.buckets)]!;
    if (buckets === 0) return;
    yield buckets;
    let entries = 0;
    for (let i = 0; i < words[this.#scopes.head(HEAD.bucketCount)]!; i++) {
      for (let entry = words[(buckets >> 2) + i]!; entry !== 0; entry = words[(entry >> 2) + ENTRY.next]!) {
        const word = entry >> 2;
        entries++;
        this.#scopes.add(words[word + ENTRY.scope]!, COUNTED.keys, 1);
        yield this.#scopes.count(words[word + ENTRY.scope]!, entry);
        yield this.#scopes.count(words[word + ENTRY.scope]!, words[word + ENTRY.value]!);
      }
    }
    words[this.#scopes.head(HEAD.entryCount)] = entries;
  }
}

/** FNV-1a over the key, begun with the scope, spread over the low bits. */
function hashOf(scope: number, key: Uint8Array): number {
  let hash = 0x811c9dc5 ^ scope;
  for (let i = 0; i < key.length; i++) hash = Math.imul(hash ^ key[i]!, 0x01000193);
  return hash ^ (hash >>> 15);
}
