// test/conformance/guests/rust.test.ts: the cases of all guests, played by test/guests/rust.
import { testGuest } from "./cases.ts";

testGuest("rust");
