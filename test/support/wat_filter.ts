// test/support/wat_filter.ts: small proxy-wasm filters, written as WebAssembly text.
/** @module */
import wabtFactory from "wabt";

const wabt = await wabtFactory();

export interface FilterOptions {
  /** Value of the response header `x-version`. */
  readonly version?: string;
  /** What `proxy_on_configure` answers. */
  readonly configures?: boolean;
  /** Further imports, for example `(import "env" "nothing" (func))`. */
  readonly imports?: string;
  /** Leaves the export that names the ABI out. */
  readonly withoutAbi?: boolean;
  /** Instructions of `proxy_on_request_headers`, which is given the context in `$id`. */
  readonly onRequestHeaders?: string;
  /** Instructions of `proxy_on_configure`, before its answer. */
  readonly onConfigure?: string;
  readonly pages?: number;
}

/** A filter that adds `x-version: VERSION` to every response. */
export function watFilter(options: FilterOptions = {}): Uint8Array {
  const { version = "1", configures = true, imports = "", pages = 2 } = options;
  const text = `(module
    (import "env" "proxy_add_header_map_value"
      (func $add_header (param i32 i32 i32 i32 i32) (result i32)))
    (import "env" "proxy_send_local_response"
      (func $send_local_response (param i32 i32 i32 i32 i32 i32 i32 i32) (result i32)))
    ${imports}
    (memory (export "memory") ${pages})
    (data (i32.const 16) "x-version")
    (data (i32.const 64) "${version}")
    (global $next (mut i32) (i32.const 4096))
    ${options.withoutAbi === true ? "" : '(func (export "proxy_abi_version_0_2_1"))'}
    (func (export "proxy_on_memory_allocate") (param $size i32) (result i32)
      (if (i32.gt_u (i32.add (global.get $next) (local.get $size)) (i32.const 65536))
        (then (global.set $next (i32.const 4096))))
      (global.get $next)
      (global.set $next (i32.and (i32.add (i32.add (global.get $next) (local.get $size)) (i32.const 7)) (i32.const -8))))
    (func (export "proxy_on_context_create") (param i32 i32))
    (func (export "proxy_on_vm_start") (param i32 i32) (result i32) (i32.const 1))
    (func (export "proxy_on_configure") (param i32 i32) (result i32)
      ${options.onConfigure ?? ""}
      (i32.const ${configures ? 1 : 0}))
    (func (export "proxy_on_request_headers") (param $id i32) (param i32 i32) (result i32)
      ${options.onRequestHeaders ?? ""}
      (i32.const 0))
    (func (export "proxy_on_response_headers") (param i32 i32 i32) (result i32)
      (drop (call $add_header (i32.const 2) (i32.const 16) (i32.const 9) (i32.const 64) (i32.const ${version.length})))
      (i32.const 0)))`;
  const module = wabt.parseWat("filter.wat", text);
  const bytes = module.toBinary({}).buffer;
  module.destroy();
  return bytes;
}
