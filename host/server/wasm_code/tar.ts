// host/server/wasm_code/tar.ts: the files of a tar archive.
// pure: no I/O, no clock, no runtime globals
/**
 * Reads ustar, pax and GNU archives as image layers are: nothing is ever written anywhere, so a name is only a
 * name. Links, devices and folders are left out.
 *
 * @see https://pubs.opengroup.org/onlinepubs/9799919799/utilities/pax.html#tag_20_94_13_06
 * @module
 */
import { latin1Slice, utf8Slice } from "../../base/bytes.ts";

export interface TarFile {
  /** As the archive says, whatever it says. */
  readonly path: string;
  /** A view of the archive. */
  readonly bytes: Uint8Array;
}

const BLOCK = 512;
/** A pax or long-name record larger than this is none. */
const EXTENDED_LIMIT_BYTES = 1024 * 1024;

/** The regular files in their order, or what is wrong with the archive. */
export function readTar(archive: Uint8Array): TarFile[] | string {
  const files: TarFile[] = [];
  let offset = 0;
  /** What an extended header says of the entry behind it. */
  let path: string | null = null;
  let size: number | null = null;
  while (offset + BLOCK <= archive.length) {
    if (isEmptyBlock(archive, offset)) return files;
    if (!hasValidChecksum(archive, offset)) return `the header at byte ${offset} has a wrong checksum`;
    const type = String.fromCharCode(archive[offset + 156]!);
    const declared = readNumber(archive, offset + 124, 12);
    const length = "xgLK".includes(type) ? declared : size ?? declared;
    const start = offset + BLOCK;
    if (length === null || length > archive.length - start) {
      return `the entry at byte ${offset} goes beyond the archive`;
    }
    const bytes = archive.subarray(start, start + length);
    offset = start + Math.ceil(length / BLOCK) * BLOCK;
    if ("xL".includes(type) && length > EXTENDED_LIMIT_BYTES) return `the header at byte ${start - BLOCK} is too large`;
    if (type === "x") {
      const records = readPaxRecords(bytes);
      if (records === null) return `the pax header at byte ${start - BLOCK} cannot be read`;
      path = records.get("path") ?? path;
      const text = records.get("size");
      if (text !== undefined) {
        if (!/^[0-9]{1,15}$/.test(text)) return `the pax header at byte ${start - BLOCK} has a size that is none`;
        size = Number(text);
      }
      continue;
    }
    if (type === "L") {
      path = textUpToZero(bytes, 0, bytes.length);
      continue;
    }
    if (type === "g" || type === "K") continue;
    if (type === "0" || type === "\0" || type === "7") {
      files.push({ path: path ?? headerPath(archive, start - BLOCK), bytes });
    }
    path = null;
    size = null;
  }
  return offset >= archive.length ? files : "the archive ends inside a header";
}

function headerPath(archive: Uint8Array, header: number): string {
  const name = textUpToZero(archive, header, 100);
  if (latin1Slice(archive, header + 257, header + 262) !== "ustar") return name;
  const prefix = textUpToZero(archive, header + 345, 155);
  return prefix === "" ? name : `${prefix}/${name}`;
}

/** `LENGTH KEY=VALUE\n`, again and again; null when it is not that. */
function readPaxRecords(bytes: Uint8Array): Map<string, string> | null {
  const records = new Map<string, string>();
  let offset = 0;
  while (offset < bytes.length) {
    const space = bytes.indexOf(0x20, offset);
    if (space < 0 || space - offset > 9) return null;
    const text = latin1Slice(bytes, offset, space);
    const end = offset + Number(text);
    if (!/^[0-9]+$/.test(text) || end <= space + 1 || end > bytes.length || bytes[end - 1] !== 0x0a) return null;
    const equals = bytes.indexOf(0x3d, space);
    if (equals < 0 || equals >= end) return null;
    records.set(utf8Slice(bytes, space + 1, equals), utf8Slice(bytes, equals + 1, end - 1));
    offset = end;
  }
  return records;
}

/** Octal digits, or GNU's base 256; null when it is neither, or too large to be a length. */
function readNumber(bytes: Uint8Array, offset: number, width: number): number | null {
  if ((bytes[offset]! & 0x80) !== 0) {
    let value = bytes[offset]! & 0x7f;
    for (let i = 1; i < width; i++) {
      value = value * 256 + bytes[offset + i]!;
      if (value > Number.MAX_SAFE_INTEGER) return null;
    }
    return value;
  }
  const text = textUpToZero(bytes, offset, width).trim();
  if (text === "") return 0;
  return /^[0-7]+$/.test(text) ? Number.parseInt(text, 8) : null;
}

function hasValidChecksum(bytes: Uint8Array, offset: number): boolean {
  let sum = 0;
  for (let i = 0; i < BLOCK; i++) sum += i >= 148 && i < 156 ? 0x20 : bytes[offset + i]!;
  return readNumber(bytes, offset + 148, 8) === sum;
}

function isEmptyBlock(bytes: Uint8Array, offset: number): boolean {
  for (let i = offset; i < offset + BLOCK; i++) if (bytes[i] !== 0) return false;
  return true;
}

function textUpToZero(bytes: Uint8Array, offset: number, width: number): string {
  let end = offset;
  while (end < offset + width && bytes[end] !== 0) end++;
  return utf8Slice(bytes, offset, end);
}
