// test/host/router/routes/uri_template.test.ts: what templates mean, and what is wrong with others.
import { test } from "uvu";
import * as assert from "uvu/assert";
import { Regex } from "../../../../host/matching/regex.ts";
import {
  parseUriTemplate,
  parseUriTemplateRewrite,
  type UriTemplate,
} from "../../../../host/router/routes/uri_template.ts";

function matches(template: string, path: string): boolean {
  const parsed = parseUriTemplate(template);
  if (typeof parsed === "string") throw new Error(parsed);
  return new Regex(parsed.pattern).matches(path);
}

function problem(template: string): string {
  const parsed = parseUriTemplate(template);
  return typeof parsed === "string" ? parsed : `no problem: ${parsed.pattern}`;
}

test("globs, variables and suffixes", () => {
  const rows: [string, string, boolean][] = [
    ["/", "/", true],
    ["/a/b", "/a/b", true],
    ["/a.b", "/axb", false],
    ["/*", "/a", true],
    ["/*", "/", false],
    ["/*", "/a/b", false],
    ["/**", "/", true],
    ["/**", "/a/b", true],
    ["/a/**", "/a", false],
    ["/*.js", "/x.js", true],
    ["/**.js", "/a/b/x.js", true],
    ["/{x}/", "/a/", true],
    ["/{x}/", "/a", false],
    ["/{x=a/*}/z", "/a/b/z", true],
    ["/{x=a/*}/z", "/b/b/z", false],
    ["/{x=**}", "/a/b", true],
    ["/(a)+", "/(a)+", true],
  ];
  for (const [template, path, expected] of rows) assert.is(matches(template, path), expected, `${template} ${path}`);
});

test("templates that cannot be used", () => {
  assert.match(problem("a"), "begin with a slash");
  assert.match(problem("/a b"), "visible ASCII");
  assert.match(problem("//a"), "no segment");
  assert.match(problem("/{a"), "not closed");
  assert.match(problem("/{1a}"), "no name");
  assert.match(problem("/{a=}"), "stands for nothing");
  assert.match(problem("/{a=b/}"), "is no path");
  assert.match(problem("/{a}/{a}"), "there twice");
  assert.match(problem("/{abcdefghijklmnopq}"), "more than 16");
  assert.match(problem("/{a}/{b}/{c}/{d}/{e}/{f}"), "more than 5");
  assert.match(problem("/**/*"), "may follow");
  assert.match(problem("/**/{a}"), "may follow");
  assert.match(problem("/*a/b"), "end of the template");
});

test("rewrites", () => {
  const template = parseUriTemplate("/{a}/{b=**}") as UriTemplate;
  assert.equal(parseUriTemplateRewrite("/{b}/x{a}", template), ["/", 2, "/x", 1]);
  assert.equal(parseUriTemplateRewrite("/x", template), ["/x"]);
  assert.match(parseUriTemplateRewrite("x", template) as string, "begin with a slash");
  assert.match(parseUriTemplateRewrite("/x//y", template) as string, "empty segment");
  assert.match(parseUriTemplateRewrite("/{c}", template) as string, "no variable");
  assert.match(parseUriTemplateRewrite("/{a", template) as string, "not closed");
  assert.match(parseUriTemplateRewrite("/{a-}", template) as string, "no name");
  assert.match(parseUriTemplateRewrite("/*", template) as string, "has not");
});

test.run();
