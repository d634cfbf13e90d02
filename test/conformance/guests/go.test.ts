// test/conformance/guests/go.test.ts: the cases of all guests, played by test/guests/go.
import { testGuest } from "./cases.ts";

testGuest("go");
