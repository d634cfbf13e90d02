// sdk/src/memory.ts: how strings and bytes cross the border to the host.
/**
 * Four static areas serve nearly every host call, so the common path allocates nothing:
 *
 * | area | holds |
 * | --- | --- |
 * | `OUT` | what a host call returns by pointer: two or three words |
 * | argument arenas 0 and 1 | the strings of the call being made, as UTF-8 |
 * | result arena | the bytes that the host places, when they are to become a string and fit |
 *
 * Larger results, and results wanted as an `ArrayBuffer`, are placed in a managed buffer that the global
 * `held` keeps from the garbage collector until the caller takes it: no pinning, any AssemblyScript runtime.
 * The result arena is handed out once per host call; a host that asks a second time before the result was
 * taken gets managed memory, so nothing is ever overwritten.
 */

/** Room for what host calls return by pointer: `[pointer or value, size, extra]`. */
export const OUT: usize = memory.data(16, 8);

const RESULT_ARENA_BYTES: usize = 8192;
const ARGUMENT_ARENA_BYTES: usize = 4096;
const RESULT_ARENA: usize = memory.data(8192, 8);
const ARGUMENT_ARENA_0: usize = memory.data(4096, 8);
const ARGUMENT_ARENA_1: usize = memory.data(4096, 8);

/** The caller wants a managed `ArrayBuffer`, not the arena. */
let wantsBuffer: bool = false;
/** The result arena holds a result that nobody took yet. */
let arenaTaken: bool = false;
/** Keeps the managed result alive until it is taken. */
let held: ArrayBuffer | null = null;
/** Keeps earlier allocations of the same host call alive. */
let spilled: ArrayBuffer[] = [];

/** Called by the host, from inside a host call, for room to place a result in. */
export function proxy_on_memory_allocate(size: usize): usize {
  if (!wantsBuffer && !arenaTaken && size <= RESULT_ARENA_BYTES) {
    arenaTaken = true;
    return RESULT_ARENA;
  }
  const buffer = new ArrayBuffer(<i32>size);
  const earlier = held;
  if (earlier !== null) spilled.push(earlier);
  held = buffer;
  return changetype<usize>(buffer);
}

/** Announces that the next result is taken by `takeBuffer`. */
// @ts-ignore: decorator
@inline
export function expectBuffer(): void {
  wantsBuffer = true;
}

/** Forgets the result of the last host call, for instance because the call failed. */
export function dropResult(): void {
  held = null;
  wantsBuffer = false;
  arenaTaken = false;
  if (spilled.length != 0) spilled = [];
}

/** The result of the last host call, as text. */
export function takeString(): string {
  const size = load<usize>(OUT, 4);
  const text = size != 0 ? String.UTF8.decodeUnsafe(load<usize>(OUT), size) : "";
  dropResult();
  return text;
}

/** The result of the last host call, as bytes; not copied when the host filled a managed buffer. */
export function takeBuffer(): ArrayBuffer {
  const size = <i32>load<usize>(OUT, 4);
  const pointer = load<usize>(OUT);
  const buffer = held;
  if (size == 0) {
    dropResult();
    return new ArrayBuffer(0);
  }
  if (buffer !== null && changetype<usize>(buffer) == pointer && buffer.byteLength == size) {
    dropResult();
    return buffer;
  }
  const copy = new ArrayBuffer(size);
  memory.copy(changetype<usize>(copy), pointer, size);
  dropResult();
  return copy;
}

let size0: usize = 0;
let size1: usize = 0;
let large0: ArrayBuffer | null = null;
let large1: ArrayBuffer | null = null;

/** Puts the first string argument in place as UTF-8; the pointer is good until the next `argument0`. */
export function argument0(text: string): usize {
  if (<usize>text.length * 3 <= ARGUMENT_ARENA_BYTES) {
    size0 = String.UTF8.encodeUnsafe(changetype<usize>(text), text.length, ARGUMENT_ARENA_0);
    return ARGUMENT_ARENA_0;
  }
  const encoded = String.UTF8.encode(text);
  large0 = encoded;
  size0 = encoded.byteLength;
  return changetype<usize>(encoded);
}

/** The size in bytes of what `argument0` placed. */
// @ts-ignore: decorator
@inline
export function argument0Size(): usize {
  return size0;
}

/** Puts the second string argument in place as UTF-8; the pointer is good until the next `argument1`. */
export function argument1(text: string): usize {
  if (<usize>text.length * 3 <= ARGUMENT_ARENA_BYTES) {
    size1 = String.UTF8.encodeUnsafe(changetype<usize>(text), text.length, ARGUMENT_ARENA_1);
    return ARGUMENT_ARENA_1;
  }
  const encoded = String.UTF8.encode(text);
  large1 = encoded;
  size1 = encoded.byteLength;
  return changetype<usize>(encoded);
}

/** The size in bytes of what `argument1` placed. */
// @ts-ignore: decorator
@inline
export function argument1Size(): usize {
  return size1;
}

/** `ASC_RUNTIME` of `--runtime minimal`, which never collects garbage by itself. */
const RUNTIME_MINIMAL: i32 = 1;
const COLLECT_EVERY_CALLBACKS: i32 = 256;

let depth: i32 = 0;
let callbacksSinceCollection: i32 = 0;

/** Every callback begins with this. */
// @ts-ignore: decorator
@inline
export function enterGuest(): void {
  if (ASC_RUNTIME == RUNTIME_MINIMAL) ++depth;
}

/** Every callback ends with this. With the minimal runtime, garbage is collected here, where the stack is empty. */
// @ts-ignore: decorator
@inline
export function leaveGuest(): void {
  if (ASC_RUNTIME == RUNTIME_MINIMAL) {
    if (--depth == 0 && ++callbacksSinceCollection >= COLLECT_EVERY_CALLBACKS) {
      callbacksSinceCollection = 0;
      __collect();
    }
  }
}
