// test/conformance/component/text_guest.ts: components written as WebAssembly text, for single calls and misuse.
/**
 * The guest is an `http-filter` that goes on everywhere. `headers` is the body of its request headers callback,
 * with parameters `$self $list $count $end`; what it leaves on the stack is the address of its answer. At
 * `ANSWER` there is one that goes on without edits.
 *
 * @module
 */
import { readFileSync } from "node:fs";
import { componentEmbed, componentNew } from "@bytecodealliance/jco-transpile/wasm-tools";
import { compileModule, type PluginConfig } from "../../../host/wasm/mod.ts";
import { assemble, type FakeEnvironment, Host } from "../../host/wasm/guest.ts";
import { TRUSTED } from "./component.ts";

export type Encoding = "utf8" | "utf16" | "compact-utf16";

export interface TextGuest {
  readonly headers?: string;
  /** The body of the constructor, with `$id`; it leaves a handle. */
  readonly constructor_?: string;
  /** The body of the allocator, with `$old $oldSize $align $size`; it leaves an address. */
  readonly realloc?: string;
  /** The body of what frees the answer. */
  readonly postReturn?: string;
  /** Imports and data. */
  readonly fields?: string;
  readonly encoding?: Encoding;
  /** More of the WIT: packages, and imports of the world. */
  readonly packages?: string;
  readonly imports?: string;
}

export const ANSWER = 0x400;
/** A place for results of imports. */
export const OUT = 0x600;
/** An address outside of the memory. */
export const BAD = 0x7fff0000;

const WIT = readFileSync(new URL("../../../abi/wit/filter.wit", import.meta.url), "utf8");
const HTTP = "nuncio:filter/http@0.1.0";
const METHODS: readonly (readonly [name: string, params: number])[] = [
  ["on-request-body", 4],
  ["on-request-trailers", 3],
  ["on-response-headers", 4],
  ["on-response-body", 4],
  ["on-response-trailers", 3],
];

function guestText(guest: TextGuest): string {
  const methods = METHODS.map(([name, count]) =>
    `(func (export "${HTTP}#[method]stream.${name}") (param ${
      "i32 ".repeat(count)
    }) (result i32) (i32.const ${ANSWER}))`
  );
  const bump = `(global.set $top (i32.and (i32.add (global.get $top) (i32.sub (local.get $align) (i32.const 1)))
    (i32.sub (i32.const 0) (local.get $align))))
    (global.get $top) (global.set $top (i32.add (global.get $top) (local.get $size)))`;
  return `(module
    (import "[export]${HTTP}" "[resource-new]stream" (func $new (param i32) (result i32)))
    (import "[export]${HTTP}" "[resource-rep]stream" (func $rep (param i32) (result i32)))
    (import "[export]${HTTP}" "[resource-drop]stream" (func $drop (param i32)))
    ${guest.fields ?? ""}
    (memory (export "memory") 2)
    (global $top (mut i32) (i32.const 0x1000))
    (func (export "cabi_realloc") (param $old i32) (param $oldSize i32) (param $align i32) (param $size i32) (result i32)
      ${guest.realloc ?? bump})
    (func (export "nuncio:filter/plugin@0.1.0#configure") (param i32 i32) (result i32) (i32.const 0x500))
    (func (export "nuncio:filter/plugin@0.1.0#on-tick"))
    (func (export "nuncio:filter/plugin@0.1.0#on-queue") (param i32))
    (func (export "${HTTP}#interests") (result i32) (i32.const 1))
    (func (export "${HTTP}#[constructor]stream") (param $id i32) (result i32)
      ${guest.constructor_ ?? "(call $new (local.get $id))"})
    (func (export "${HTTP}#[method]stream.on-request-headers")
      (param $self i32) (param $list i32) (param $count i32) (param $end i32) (result i32)
      ${guest.headers ?? `(i32.const ${ANSWER})`})
    (func (export "cabi_post_${HTTP}#[method]stream.on-request-headers") (param i32) ${guest.postReturn ?? ""})
    ${methods.join("\n")}
    (func (export "${HTTP}#[method]stream.on-callout") (param i32 i32 i32 i32 i32 i32 i32 i32 i32))
    (func (export "${HTTP}#[method]stream.on-log") (param i32))
  )`;
}

/** The guest as a component's bytes. */
export async function textComponent(guest: TextGuest): Promise<Uint8Array> {
  const witSource = `${WIT.replace("world http-filter {", `world http-filter { ${guest.imports ?? ""}`)}
    ${guest.packages ?? ""}`;
  const binary = await componentEmbed({
    binary: assemble(guestText(guest)),
    witSource,
    world: "http-filter",
    stringEncoding: guest.encoding ?? "utf8",
  });
  return await componentNew(binary, []);
}

/** The guest, loaded. */
export async function textHost(
  guest: TextGuest,
  parts: Partial<PluginConfig> = {},
  env?: FakeEnvironment,
): Promise<Host> {
  const result = await compileModule(await textComponent(guest), undefined, undefined, TRUSTED);
  if ("diagnostics" in result) throw new Error(result.diagnostics.map((row) => row.message).join("\n"));
  return new Host(result.module, parts, env);
}
