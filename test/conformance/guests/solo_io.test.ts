// test/conformance/guests/solo_io.test.ts: the cases of all guests, played by test/guests/solo_io.
import { testGuest } from "./cases.ts";

testGuest("solo_io");
