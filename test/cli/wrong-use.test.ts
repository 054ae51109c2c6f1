import { describe, expect, it } from "vitest";
import { reflex } from "./terminal.ts";

const TARGET = '{"kind":"namespace","cluster":"c","name":"n"}';
const env = { REFLEX_URL: "http://localhost:1", REFLEX_KEY: "k" };

describe("wrong use of reflex", () => {
  it.each<[string, string[], RegExp]>([
    ["no command", [], /name a command/],
    ["only an option", ["--json"], /name a command/],
    ["an unknown command", ["decod", "x"], /unknown command 'decod' \(Did you mean decode\?\)/],
    ["an unknown option", ["list", "--sate", "open"], /unknown option '--sate' \(Did you mean --state\?\)/],
    ["decode without a file", ["decode"], /missing required argument 'files'/],
    ["too many arguments", ["check", "a", "b"], /too many arguments/],
    ["run without a target", ["run", "notify"], /--target <json>' not specified/],
    ["revert without a reason", ["revert", "abc"], /--reason <text>' not specified/],
    ["an unknown mode", ["run", "notify", "--target", TARGET, "--mode", "go"], /observe, approve, enforce/],
    ["a target that is no JSON", ["run", "notify", "--target", "pod"], /--target is no JSON object/],
    ["a target that is a list", ["run", "notify", "--target", "[1]"], /--target is no JSON object/],
    [
      "a parameter without a value",
      ["run", "notify", "--target", TARGET, "--param", "a"],
      /--param a is not name=value/,
    ],
    [
      "a parameter twice",
      ["run", "notify", "--target", TARGET, "--param", "a=1", "--param", "a=2"],
      /a is given twice/,
    ],
    ["a playbook that is a path", ["run", "../x", "--target", TARGET], /no name of a playbook/],
    ["an id that is a path", ["show", ".."], /no id of a remediation/],
    [
      "an idempotency key of two lines",
      ["run", "notify", "--target", TARGET, "--idempotency-key", "a\nb"],
      /printable/,
    ],
    ["a time that is none", ["list", "--since", "yesterday"], /--since yesterday is no time/],
    ["a day that does not exist", ["list", "--until", "2026-13-45"], /--until 2026-13-45 is no time/],
    ["a key as a flag", ["list", "--key", "secret"], /unknown option '--key'/],
    [
      "rights in a form that is not there yet",
      ["permissions", "--format", "bicep"],
      /'bicep' is invalid. Allowed choices are clusterrole, json/,
    ],
    [
      "rights of a playbook that does not exist",
      ["permissions", "--playbook", "isolate-pods"],
      /isolate-pods is no playbook; write one of isolate-pod, /,
    ],
    [
      "rights in two forms",
      ["permissions", "--json", "--format", "clusterrole"],
      /--json and --format clusterrole/,
    ],
    ["a command that is not there yet", ["rehearse"], /unknown command 'rehearse'/],
    ["approval without a reason", ["approve", "abc"], /--reason <text>' not specified/],
    ["approval unseen", ["approve", "abc", "--reason", "x"], /give --plan HASH/],
    ["an extension to nowhere", ["extend", "abc", "--reason", "x"], /just one of --until TIME and --by/],
    [
      "an extension to two ends",
      ["extend", "abc", "--reason", "x", "--by", "1h", "--until", "2026-03-02"],
      /just one of --until TIME and --by/,
    ],
    ["an extension to no time", ["extend", "abc", "--reason", "x", "--until", "2h"], /--until 2h is no time/],
    ["taking back nothing in particular", ["revert", "--reason", "x"], /give the id of one remediation; or/],
    ["taking back all of a rule", ["revert", "--rule", "r", "--reason", "x"], /with --since/],
    ["one and many", ["revert", "abc", "--rule", "r", "--reason", "x"], /either the id/],
    [
      "many without a terminal or a yes",
      ["revert", "--rule", "r", "--since", "2h", "--reason", "x"],
      /nobody is asked without a terminal; add --yes/,
    ],
  ])("answers 2 and one sentence: %s", async (_name, argv, sentence) => {
    const { code, out, err } = await reflex(argv, { env });
    expect({ code, out }).toEqual({ code: 2, out: "" });
    expect(err).toMatch(sentence);
    expect(err).toMatch(/^reflex: [^\n]*[.?!]\n$/);
  });

  it("is not to ask for help or the version", async () => {
    const help = await reflex(["--help"]);
    expect(help).toMatchObject({ code: 0, err: "" });
    const named = [...help.out.matchAll(/^ {2}([a-z]+) [[<]/gm)].map(([, name]) => name);
    expect(named).toEqual([
      "decode",
      "explain",
      "check",
      "replay",
      "permissions",
      "send",
      "run",
      "list",
      "show",
      "approve",
      "reject",
      "extend",
      "retry",
      "revert",
      "pause",
      "resume",
      "report",
      "help",
    ]);
    expect(await reflex(["run", "--help"])).toMatchObject({ code: 0, out: expect.stringContaining("--ttl") });
    expect((await reflex(["--version"])).out).toMatch(/^\d+\.\d+\.\d+\n$/);
  });

  it("tells of a fault of its own in one sentence, without a stack trace", async () => {
    const fetch = () => {
      throw new RangeError("first line\n    at second line");
    };
    const { code, err } = await reflex(["list"], { env, fetch });
    expect(code).toBe(1);
    expect(err).toMatch(/^reflex: [^\n]+\.\n$/);
    expect(err).not.toContain("second line");
  });
});
