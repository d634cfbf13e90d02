// test/conformance/component/as_components.ts: from here on this process builds filters as components.
import process from "node:process";

process.env["NUNCIO_FILTER_COMPONENT"] = "1";
