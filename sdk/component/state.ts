// sdk/component/state.ts: what the host would keep for a module: headers, bodies, callouts.
/**
 * A component is given headers and bodies, and gives back what is to be changed. Here they are kept between, so that
 * the SDK can read and change them as a module does.
 */
import { host_resume_request, host_resume_response } from "./host";
import { Entry, putWire, releaseTexts } from "./values";

/** The id of the plugin's own context, which is the only one. */
export const ROOT: u32 = 1;

export const EDIT_SET: u8 = 0;
export const EDIT_ADD: u8 = 1;
export const EDIT_REMOVE: u8 = 2;

class Edit {
  constructor(readonly action: u8, readonly name: ArrayBuffer, readonly value: ArrayBuffer) {}
}

const NOTHING = new ArrayBuffer(0);

/** Headers or trailers as they are now, with the edits that the host has not been told of. */
export class HeaderList {
  entries: Entry[] = [];
  edits: Edit[] = [];
  /** They have not gone on yet. */
  isOpen: bool = false;

  find(pointer: usize, size: usize): i32 {
    for (let i = 0; i < this.entries.length; ++i) if (this.entries[i].isNamed(pointer, size)) return i;
    return -1;
  }

  removeAll(pointer: usize, size: usize): void {
    for (let i = this.entries.length - 1; i >= 0; --i) {
      if (this.entries[i].isNamed(pointer, size)) this.entries.splice(i, 1);
    }
  }

  add(name: ArrayBuffer, value: ArrayBuffer): void {
    this.entries.push(new Entry(name, value));
    this.edits.push(new Edit(EDIT_ADD, name, value));
  }

  set(name: ArrayBuffer, value: ArrayBuffer): void {
    this.removeAll(changetype<usize>(name), name.byteLength);
    this.entries.push(new Entry(name, value));
    this.edits.push(new Edit(EDIT_SET, name, value));
  }

  remove(name: ArrayBuffer): void {
    this.removeAll(changetype<usize>(name), name.byteLength);
    this.edits.push(new Edit(EDIT_REMOVE, name, NOTHING));
  }
}

/** A stream or a connection. */
export class StreamState {
  readonly maps: HeaderList[] = [new HeaderList(), new HeaderList(), new HeaderList(), new HeaderList()];
  /** What the running callback is about, and its number as a buffer; -1 outside of such callbacks. */
  body: ArrayBuffer = NOTHING;
  bodyType: i32 = -1;
  isReplaced: bool = false;
  isDone: bool = false;
  /** Callouts under way. */
  readonly tokens: u32[] = [];

  constructor(readonly id: u32) {}
}

export const states: Map<u32, StreamState> = new Map<u32, StreamState>();
/** The stream that host functions act on; null for the plugin itself. */
export let current: StreamState | null = null;

export function setState(state: StreamState | null): void {
  current = state;
}

/** The answer of the callout whose callback runs. */
export let calloutHeaders: Entry[] = [];
export let calloutTrailers: Entry[] = [];
export let calloutBody: ArrayBuffer = NOTHING;
/** Why the last callout failed; empty when it did not. */
export let calloutFailure: string = "";

export function setCallout(headers: Entry[], body: ArrayBuffer, trailers: Entry[], failure: string): void {
  calloutHeaders = headers;
  calloutBody = body;
  calloutTrailers = trailers;
  calloutFailure = failure;
}

export let configuration: ArrayBuffer = NOTHING;

export function setConfiguration(bytes: ArrayBuffer): void {
  configuration = bytes;
}

/** Edits that the host holds, so that they stay where they are. */
let handedOver: Edit[] = [];
let handedOverList: usize = 0;

/** A list's edits for the host; they are good until `releaseEdits`. */
export function takeEdits(list: HeaderList): usize {
  handedOver = list.edits;
  list.edits = [];
  const count = handedOver.length;
  if (count == 0) return 4;
  handedOverList = heap.alloc(<usize>count * 20);
  for (let i = 0; i < count; ++i) {
    const at = handedOverList + <usize>i * 20;
    const edit = handedOver[i];
    store<u8>(at, edit.action);
    putWire(at + 4, edit.name);
    if (edit.action != EDIT_REMOVE) putWire(at + 12, edit.value);
  }
  return handedOverList;
}

export function editCount(): usize {
  return handedOver.length;
}

export function releaseEdits(): void {
  if (handedOverList != 0) heap.free(handedOverList);
  handedOverList = 0;
  handedOver = [];
  releaseTexts();
}

/** Lets a paused direction go on, with what was changed meanwhile. */
export function resume(state: StreamState, isRequest: bool): void {
  const first = isRequest ? 0 : 2;
  const list = state.maps[first].isOpen ? state.maps[first] : state.maps[first + 1];
  const edits = takeEdits(list);
  list.isOpen = false;
  if (isRequest) host_resume_request(state.id, edits, editCount());
  else host_resume_response(state.id, edits, editCount());
  releaseEdits();
}
