// test/host/wasm/demangle.test.ts: names of Rust's two schemes and of C++, and what is left alone.
import { test } from "uvu";
import * as assert from "uvu/assert";
import { demangle } from "../../../host/wasm/demangle.ts";

/** Parts with their lengths, between the marks of the older scheme. */
function legacy(...parts: string[]): string {
  return `_ZN${parts.map((part) => `${part.length}${part}`).join("")}17h0123456789abcdefE`;
}

test("Rust's older scheme", () => {
  assert.is(demangle("_ZN4core9panicking5panic17h0123456789abcdefE"), "core::panicking::panic");
  const trait = "_$LT$my_filter..Gate$u20$as$u20$proxy_wasm..traits..HttpContext$GT$";
  assert.is(
    demangle(legacy(trait, "on_http_request_headers")),
    "<my_filter::Gate as proxy_wasm::traits::HttpContext>::on_http_request_headers",
  );
  assert.is(demangle(legacy("a", "_$RF$$u5b$T$u5d$", "$C$_x$XY$$u0$")), "a::&[T]::,_x$XY$$u0$");
});

test("Rust's newer scheme", () => {
  const names = {
    _RNvCs1234_7mycrate3foo: "mycrate::foo",
    _RNvNtCs1234_7mycrate3bar3baz: "mycrate::bar::baz",
    _RNCNvCsgStHSCytQ6I_7mycrate4main0B3_: "mycrate::main::{closure#0}",
    _RNCNvCs1_7mycrate4mains_0B3_: "mycrate::main::{closure#1}",
    _RNvMCs15kBYyAo9fc_7mycrateNtB2_7Example3foo: "<mycrate::Example>::foo",
    _RNvXCs15kBYyAo9fc_7mycrateNtB2_7ExampleNtB2_5Trait3foo: "<mycrate::Example as mycrate::Trait>::foo",
    _RINvNtC3std3mem8align_ofjdE: "std::mem::align_of<usize, f64>",
    _RINvC1a1fRShQlPNtB2_1STmbEEB2_: "a::f<&[u8], &mut i32, *const a::S, (u32, bool)>",
    _RINvC1a1fFUKCmElDNtB2_1Tp4ItemhEL_E: "a::f<fn(u32) -> i32, dyn a::T<Item = u8>>",
    _RINvC1a1fAhj10_Kln5_E: "a::f<[u8; 16], -5>",
    _RNvC1a12_1starts_odd_: "a::1starts_odd_",
  };
  for (const [name, expected] of Object.entries(names)) assert.is(demangle(name), expected, name);
});

test("C++: plain names; parameters are left out", () => {
  const names = {
    _Z3addii: "add",
    _ZN5proxy7Context16onRequestHeadersEjb: "proxy::Context::onRequestHeaders",
    _ZNK5proxy7Context2idEv: "proxy::Context::id",
    _ZN5proxy7ContextC2EjPS0_: "proxy::Context::Context",
    _ZN5proxy7ContextD0Ev: "proxy::Context::~Context",
    _ZN12_GLOBAL__N_14helpEv: "(anonymous namespace)::help",
    _ZSt9terminatev: "std::terminate",
    _ZNSt9exceptionD2Ev: "std::exception::~exception",
  };
  for (const [name, expected] of Object.entries(names)) assert.is(demangle(name), expected, name);
});

test("what is no such name, cut off, endless or too deep stays as it is", () => {
  const names = [
    "",
    "filter/Gate#onRequestHeaders",
    "_ZN",
    "_ZN4core",
    "_ZN99999x17h0123456789abcdefE",
    "_ZN3fooIiE3barEv",
    "_ZNSt6vectorIiE4sizeEv",
    "_Zpl1A1B",
    "_R",
    "_RNv",
    "_RNvC7mycrate",
    "_RNvB_1a",
    "_RB9_",
    `_RNvC1a${"N".repeat(500)}`,
    `_RINvC1a1f${"R".repeat(400)}lE`,
    `_RINvC1a1f${"TB3_".repeat(30)}E`,
    `_R${"x".repeat(2000)}`,
  ];
  for (const name of names) assert.is(demangle(name), name);
});

test.run();
