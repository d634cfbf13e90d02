// test/conformance/guests/c.test.ts: the cases of all guests, played by test/guests/c.
import { testGuest } from "./cases.ts";

testGuest("c");
