import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { HOSTILE, reflex, unsafeIn } from "./terminal.ts";

const ALERT = readFileSync(new URL("../fixtures/signals/orders-pod.eventhub.json", import.meta.url), "utf8");
const RULES = `mode: approve
rules:
  - name: miners
    when: { kind: alert, key: "K8S.NODE_CryptoCoinMiner*" }
    playbooks: [{ name: notify }]
  - name: downloads
    mode: enforce
    when: { kind: alert, key: K8S.NODE_SuspectDownload }
    playbooks: [{ name: isolate-pod }]
  - name: all-alerts
    when: { kind: alert }
    playbooks: [{ name: isolate-pod }, { name: notify }]
`;
const BROKEN = `mode: observe
rules:
  - name: one
    when: { kind: alert }
    playbooks: [{ name: isolate-pods }]
    colour: red
`;

describe("reflex check", () => {
  it("sums up a good configuration, warns with a place, and answers 0", async () => {
    const { code, out, err } = await reflex(["check"], { files: { "reflex.yaml": RULES } });
    expect(code).toBe(0);
    expect(err).toBe("");
    const lines = out.trimEnd().split("\n");
    expect(lines.at(-1)).toBe(
      "reflex.yaml is good: 3 rules (off 0, observe 2, approve 0, enforce 1), ceiling approve.",
    );
    expect(lines.slice(0, -1).every((line) => /^reflex\.yaml:7:\d+ warning: /.test(line))).toBe(true);
    expect(lines).toHaveLength(3);
  });

  it("warns of an exception that ended, by the clock of the machine", async () => {
    const text = "exceptions: [{ name: e, owner: o, reason: r, until: 2026-03-01, playbook: notify }]\n";
    const { out, code } = await reflex(["check"], { files: { "reflex.yaml": text } });
    expect(code).toBe(0);
    expect(out).toMatch(/^reflex\.yaml:1:53 warning: .*exception e has ended/);
    const before = await reflex(["check"], { files: { "reflex.yaml": text }, now: "2026-03-01T23:59:00Z" });
    expect(before.out).toMatch(/^reflex\.yaml is good/);
  });

  it("prints each mistake as file:line:column on standard error, and answers 1", async () => {
    const { code, out, err } = await reflex(["check", "my/rules.yaml"], {
      files: { "my/rules.yaml": BROKEN },
    });
    expect({ code, out }).toEqual({ code: 1, out: "" });
    const lines = err.trimEnd().split("\n");
    expect(lines[0]).toMatch(/^my\/rules\.yaml:5:\d+ .*isolate-pod/);
    expect(lines[1]).toMatch(/^my\/rules\.yaml:6:\d+ .*colour/);
    expect(lines).toHaveLength(2);
  });

  it("answers 2 for a file that cannot be read, and names it", async () => {
    expect(await reflex(["check", "none.yaml"])).toMatchObject({
      code: 2,
      out: "",
      err: "reflex: none.yaml cannot be read: there is no such file.\n",
    });
  });

  it("prints one object with --json, for good and bad", async () => {
    const files = { "reflex.yaml": RULES, "bad.yaml": BROKEN };
    expect((await reflex(["check", "--json"], { files })).json()).toEqual([
      {
        file: "reflex.yaml",
        valid: true,
        ceiling: "approve",
        rules: 3,
        modes: { off: 0, observe: 2, approve: 0, enforce: 1 },
        hash: expect.stringMatching(/^[0-9a-f]{64}$/),
        warnings: [expect.objectContaining({ line: 7 }), expect.objectContaining({ line: 7 })],
      },
    ]);
    const bad = await reflex(["check", "bad.yaml", "--json"], { files });
    expect(bad.code).toBe(1);
    expect(bad.json()).toMatchObject([{ valid: false, errors: [{ line: 5 }, { line: 6 }] }]);
  });

  it("finds the configuration that the project ships good", async () => {
    const shipped = readFileSync(new URL("../../reflex.yaml", import.meta.url), "utf8");
    const { code, out } = await reflex(["check"], { files: { "reflex.yaml": shipped } });
    expect(code).toBe(0);
    expect(out).toContain("ceiling observe");
  });

  it("makes what a hostile file holds harmless", async () => {
    const text = `mode: observe\nrules:\n  - ${JSON.stringify({ name: HOSTILE.toWellFormed() })}\n`;
    const { code, err } = await reflex(["check"], { files: { "reflex.yaml": text } });
    expect(code).toBe(1);
    expect(unsafeIn(err)).toEqual([]);
  });
});

describe("reflex explain", () => {
  const files = { "reflex.yaml": RULES, "a.json": ALERT };

  it("prints the decisions, and each rule with the clause that failed and the value that was seen", async () => {
    const { code, out } = await reflex(["explain", "a.json"], { files });
    expect(code).toBe(0);
    expect(out.split("\n").map((line) => line.trimEnd())).toEqual([
      "Medium: File download from a known malicious source (alert K8S.NODE_SuspectDownload)",
      "2517000000000000001_0a0a0a0a-1111-4222-8333-000000000001",
      "decided: isolate-pod, approve, by rule downloads",
      "decided: notify, observe, by rule all-alerts",
      "OUTCOME  RULE        MODE     PLAYBOOKS                                   WHY",
      "no       miners      observe  notify                                      key is K8S.NODE_SuspectDownload; wanted K8S.NODE_CryptoCoinMiner*",
      expect.stringMatching(/^matched {2}downloads {3}approve {2}isolate-pod {33}kind is alert; key is K8S/),
      expect.stringMatching(
        /^matched {2}all-alerts {2}observe {2}isolate-pod \(decided by downloads\), notify {2}kind is/,
      ),
      "",
    ]);
  });

  it("prints signal, decisions and rules as one line of JSON per signal", async () => {
    const { json } = await reflex(["--json", "explain", "a.json", "a.json"], { files });
    expect(json()).toHaveLength(2);
    expect(json()[0]).toMatchObject({
      signal: { kind: "alert", key: "K8S.NODE_SuspectDownload", actionable: true, notActionable: null },
      decisions: [
        { playbook: "isolate-pod", mode: "approve", rule: "downloads" },
        { playbook: "notify", mode: "observe", rule: "all-alerts" },
      ],
      rules: [
        { rule: "miners", matched: false },
        { rule: "downloads", matched: true, playbooks: [{ name: "isolate-pod", mode: "approve" }] },
        { rule: "all-alerts", matched: true },
      ],
    });
  });

  it("takes the mode of the moment: now, or the time that is given", async () => {
    const text = `mode: enforce
rules:
  - name: by-night
    when: { kind: alert }
    playbooks: [{ name: isolate-pod }]
    mode: approve
    windows: [{ from: "20:00", to: "06:00", timezone: Europe/Berlin, mode: enforce }]
`;
    const modeAt = async (...args: string[]) => {
      const ran = await reflex(["--json", "explain", "a.json", ...args], {
        files: { "reflex.yaml": text, "a.json": ALERT },
      });
      return ran.json();
    };
    const of = (mode: string) => [
      expect.objectContaining({
        decisions: [expect.objectContaining({ mode })],
        rules: [expect.objectContaining({ playbooks: [expect.objectContaining({ mode })] })],
      }),
    ];
    // The machine's clock says 09:00 in Berlin.
    expect(await modeAt()).toEqual(of("approve"));
    expect(await modeAt("--at", "2026-03-02T20:00:00+01:00")).toEqual(of("enforce"));
    expect(await modeAt("--at", "4h")).toEqual(of("enforce"));
    const people = await reflex(["explain", "a.json", "--at", "2026-03-02T19:00Z"], {
      files: { "reflex.yaml": text, "a.json": ALERT },
    });
    expect(people.out).toContain("decided: isolate-pod, enforce, by rule by-night\n");
    const wrong = await reflex(["explain", "a.json", "--at", "noon"], {
      files: { "reflex.yaml": text, "a.json": ALERT },
    });
    expect(wrong).toMatchObject({ code: 2, err: expect.stringContaining("--at noon is no time") });
  });

  it("says so where no rule decides, and why nothing is asked for", async () => {
    const resolved = JSON.stringify({ ...JSON.parse(ALERT), Status: "Resolved" });
    const { code, out } = await reflex(["explain", "b", "--config", "c.yaml"], {
      files: { b: resolved, "c.yaml": RULES },
    });
    expect(code).toBe(0);
    expect(out).toContain("not actionable: resolved\n");
    expect(out).toContain("decided: nothing, no rule that is on matches\n");
    expect(out).toMatch(/no +downloads .*status is /);
  });

  it("tells of parked pieces and answers 1; of unreadable files and answers 2", async () => {
    const parked = await reflex(["explain", "bad", "a.json"], { files: { ...files, bad: "nonsense" } });
    expect(parked.code).toBe(1);
    expect(parked.out).toMatch(/^parked: .*\n\nMedium: /);
    const missing = await reflex(["explain", "none", "a.json", "--json"], { files });
    expect(missing.code).toBe(2);
    expect(missing.err).toBe("reflex: none cannot be read: there is no such file.\n");
    expect(missing.json()).toHaveLength(1);
  });

  it("answers 2 with one sentence for a configuration that is wrong or missing", async () => {
    const wrong = await reflex(["explain", "a.json"], { files: { ...files, "reflex.yaml": BROKEN } });
    expect(wrong).toMatchObject({ code: 2, out: "" });
    expect(wrong.err).toMatch(/^reflex: reflex\.yaml:5:\d+ .*`reflex check reflex\.yaml` lists all 2\.\n$/);
    expect(await reflex(["explain", "a.json"], { files: { "a.json": ALERT } })).toMatchObject({
      code: 2,
      err: "reflex: reflex.yaml cannot be read: there is no such file.\n",
    });
  });

  it("lets no text of an alert reach the terminal as a command or as a line of its own", async () => {
    const hostile = HOSTILE.toWellFormed();
    const record = {
      ...JSON.parse(ALERT),
      AlertDisplayName: hostile,
      AlertType: hostile,
      SystemAlertId: hostile,
    };
    const { out } = await reflex(["explain", "a"], {
      files: { a: JSON.stringify(record), "reflex.yaml": RULES },
    });
    expect(unsafeIn(out)).toEqual([]);
    expect(out.split("\n").filter((line) => line.startsWith("id "))).toEqual([]);
    expect(out).toContain("\\u202eexe");
  });
});
