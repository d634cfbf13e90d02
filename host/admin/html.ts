// host/admin/html.ts: the index page: every command with its form.
// pure: no I/O, no clock, no runtime globals
/**
 * @see Envoy: source/server/admin/admin_html_util.cc
 * @module
 */
import type { AdminCommand, AdminParameter } from "./command.ts";

const ESCAPES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (c) => ESCAPES[c]!);
}

const STYLE = `
body { font-family: sans-serif; font-size: medium; }
table { border-collapse: collapse; }
td, th { text-align: left; padding: 4px; }
tr.gray { background: #ddd; }
form { margin: 0; }
td.option { text-align: right; padding-left: 20px; }
button.link { background: none; border: none; padding: 0; font: inherit; color: #069; text-decoration: underline; cursor: pointer; }
`;

/** The page at `/`. */
export function indexPage(commands: readonly AdminCommand[]): string {
  return `<!DOCTYPE html>
<html lang='en'>
<head>
  <title>Nuncio Admin</title>
  <style>${STYLE}</style>
</head>
<body>
  <table class='home-table'>
    <thead>
      <tr><th class='home-data'>Command</th><th class='home-data'>Description</th></tr>
    </thead>
    <tbody>
${commands.map(rows).join("")}    </tbody>
  </table>
</body>
</html>
`;
}

function rows(command: AdminCommand, index: number): string {
  const path = command.path.slice(1);
  const row = index % 2 === 0 ? "<tr>" : "<tr class='gray'>";
  const plain = !command.mutates && command.parameters.length === 0;
  const link = plain
    ? `<a href='${path}'>${path}</a>`
    : `<form action='${path}' method='${command.mutates ? "post" : "get"}' id='${path}'>` +
      `<button${command.mutates ? "" : " class='link'"}>${path}</button></form>`;
  const head = `${row}<td class='home-data'>${link}</td><td class='home-data'>${escapeHtml(command.help)}</td></tr>\n`;
  return head + command.parameters.map((parameter) =>
    `${row}<td class='option'>${input(parameter, path)}</td>` +
    `<td class='home-data'><label for='${inputId(parameter, path)}'>${escapeHtml(parameter.help)}</label></td></tr>\n`
  ).join("");
}

function inputId(parameter: AdminParameter, path: string): string {
  return `param-${path.replaceAll("/", "-")}-${parameter.name}`;
}

function input({ name, kind, help }: AdminParameter, path: string): string {
  const attributes = `name='${name}' id='${inputId({ name, kind, help }, path)}' form='${path}'`;
  if (kind === "flag") return `<input type='checkbox' ${attributes}>`;
  if (kind === "text") return `<input type='text' ${attributes}>`;
  const options = kind.map((value) => `<option value='${escapeHtml(value)}'>${escapeHtml(value)}</option>`);
  return `<select ${attributes}>${options.join("")}</select>`;
}
