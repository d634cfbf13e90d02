// host/config/codes.ts: the catalogue of configuration diagnostics.
/**
 * One row a code: what happened, and what to do about it. `nuncio explain CODE` prints a row;
 * docs/reference/errors.md is made of all of them. A planner that needs a new code adds a row.
 *
 * @module
 */

export interface CodeEntry {
  readonly code: string;
  /** One line: what the diagnostic says. */
  readonly summary: string;
  /** What to know and what to do. */
  readonly explanation: string;
}

export const CONFIG_CODES: readonly CodeEntry[] = [
  {
    code: "config/accepted-without-effect",
    summary: "a field is accepted and changes nothing here",
    explanation: "The field tunes something that only Envoy has. The note says why it can be left out of account.",
  },
  {
    code: "config/cannot-read-file",
    summary: "a configuration file cannot be read",
    explanation: "Check the path after -c and the permissions of the file.",
  },
  {
    code: "config/constraint",
    summary: "a value breaks a rule of Envoy's API",
    explanation:
      "The API bounds lengths, numbers, durations and the like; the message says which bound, and what is there.",
  },
  {
    code: "config/deprecated-field",
    summary: "a field is deprecated in Envoy's API",
    explanation: "It still works. Envoy's documentation of the field names what replaces it.",
  },
  {
    code: "config/disallowed-field",
    summary: "Envoy no longer accepts a field or an enum value",
    explanation: "It was deprecated long ago and Envoy refuses it by default; use what replaces it.",
  },
  {
    code: "config/duplicate-key",
    summary: "a key is written twice in one map",
    explanation: "As in Envoy the last one counts, and the earlier is not even looked at. Remove one of them.",
  },
  {
    code: "config/empty",
    summary: "there is no configuration",
    explanation: "The file has nothing but comments, or neither -c nor --config-yaml was given.",
  },
  {
    code: "config/extra-document",
    summary: "a YAML file has more than one document",
    explanation: "As in Envoy the first document is the configuration; what follows the next --- is ignored.",
  },
  {
    code: "config/invalid-base64",
    summary: "bytes are not base64",
    explanation:
      "Fields of bytes are written in base64, standard or URL-safe. For text there is often a sibling such as inline_string.",
  },
  {
    code: "config/invalid-duration",
    summary: "a duration is not written in seconds",
    explanation:
      "Protobuf durations are decimal seconds with an s: 0.25s, 60s. There are no other units; {seconds: 1} works too.",
  },
  {
    code: "config/invalid-json",
    summary: "a .json file is not JSON",
    explanation: "JSON has no comments and no trailing commas. Rename the file to .yaml to write YAML.",
  },
  {
    code: "config/invalid-yaml",
    summary: "a file is not YAML",
    explanation: "The parser stopped at the position shown; the cause often stands a line above it.",
  },
  {
    code: "config/malformed-binary",
    summary: "a binary message is not what its type says",
    explanation: "The bytes of a .pb file or of an Any are truncated, or belong to another type.",
  },
  {
    code: "config/missing-descriptors",
    summary: "the API descriptors are not there",
    explanation:
      "They are made at install time: run node host/api/build.ts, or check the file given with --api-descriptors.",
  },
  {
    code: "config/missing-type",
    summary: 'a typed configuration has no "@type"',
    explanation: 'Write "@type": type.googleapis.com/ followed by the full name of the extension\'s configuration.',
  },
  {
    code: "config/not-implemented",
    summary: "a field is known to Envoy, but not to nuncio",
    explanation:
      "nuncio would ignore the field, so it refuses it. With --lenient it is a warning and the field has no effect.",
  },
  {
    code: "config/null-item",
    summary: "a list or a map holds a null",
    explanation:
      "As in Envoy it counts as an empty value: an empty string, 0, a message without fields. A lone dash does this.",
  },
  {
    code: "config/number-out-of-range",
    summary: "a number does not fit its type",
    explanation: "The message names the range of the type.",
  },
  {
    code: "config/number-too-large",
    summary: "a 64-bit number is too large to be counted exactly",
    explanation: "nuncio counts exactly up to 2^53 = 9007199254740992. Use a smaller number.",
  },
  {
    code: "config/oneof-conflict",
    summary: "two alternatives are set at once",
    explanation: "The two fields are members of one oneof: at most one of them may be set.",
  },
  {
    code: "config/required",
    summary: "a field that must be set is not set",
    explanation: "Envoy's API requires the field, or one of the fields named.",
  },
  {
    code: "config/too-large",
    summary: "a configuration expands to too many values",
    explanation: "YAML aliases can repeat a value many times over; two million values are the limit.",
  },
  {
    code: "config/unknown-enum-value",
    summary: "an enum has no such value",
    explanation: "Names may be in any letter case, with underscores; the help line lists them or names the nearest.",
  },
  {
    code: "config/unknown-field",
    summary: "a message has no such field",
    explanation:
      "The help line names the nearest field, or the v3 form of a field of older Envoys. --allow-unknown-static-fields makes it a warning.",
  },
  {
    code: "config/unknown-type",
    summary: "a type URL names no type of Envoy's API",
    explanation: "Check the spelling and the version; v2 types are gone. Newer types come with --api-descriptors FILE.",
  },
  {
    code: "config/unsupported-format",
    summary: "the file is in a format that nuncio does not read",
    explanation: "nuncio reads YAML, JSON and binary messages (.pb).",
  },
  {
    code: "config/wrong-type",
    summary: "a value is of another kind than the field",
    explanation:
      "Numbers, true, yes and the like need quotes where a string is meant; a list or map may be missing or too much.",
  },
];

/** The row of a code, or null. */
export function explainCode(code: string, codes: readonly CodeEntry[] = CONFIG_CODES): CodeEntry | null {
  return codes.find((entry) => entry.code === code) ?? null;
}

/** The reference page of these codes. */
export function renderCodes(codes: readonly CodeEntry[]): string {
  const sections = codes.map(({ code, summary, explanation }) => `## ${code}\n\n${capital(summary)}. ${explanation}\n`);
  return `# Errors\n\n<!-- Generated from the code catalogues; do not edit. -->\n\n${sections.join("\n")}`;
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
