// host/admin/handlers/listeners.ts: /listeners: names and bound addresses.
/**
 * @see Envoy: source/server/admin/listeners_handler.cc
 * @module
 */
import { addressJson } from "../address_json.ts";
import { type AdminCommand, json, text } from "../command.ts";

export const listeners: AdminCommand = {
  path: "/listeners",
  help: "print listener info",
  mutates: false,
  parameters: [{ name: "format", help: "File format to use", kind: ["text", "json"] }],
  handle({ query }, view) {
    const all = view.listeners();
    if (query.get("format") !== "json") {
      return text(
        all.map(({ name, address, additionalAddresses = [] }) =>
          [address, ...additionalAddresses].map((each) => `${name}::${each}\n`).join("")
        ).join(""),
      );
    }
    return json({
      listener_statuses: all.map(({ name, address, additionalAddresses = [] }) => ({
        name,
        local_address: addressJson(address),
        ...(additionalAddresses.length === 0
          ? {}
          : { additional_local_addresses: additionalAddresses.map(addressJson) }),
      })),
    });
  },
};
