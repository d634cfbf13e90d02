// test/conformance/guests/gcore.test.ts: the cases of all guests, played by test/guests/gcore.
import { testGuest } from "./cases.ts";

testGuest("gcore");
