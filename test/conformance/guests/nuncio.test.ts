// test/conformance/guests/nuncio.test.ts: the cases of all guests, played by test/guests/nuncio.
import { testGuest } from "./cases.ts";

testGuest("nuncio");
