import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { readBodies } from "../../cli/read-bodies.ts";
import { monthOfRecords } from "../fixtures/month.ts";
import { HOSTILE, reflex, unsafeIn } from "./terminal.ts";

const ALERT = readFileSync(new URL("../fixtures/signals/orders-pod.eventhub.json", import.meta.url), "utf8");
const FINDING = readFileSync(
  new URL("../fixtures/signals/image-finding.pascal.json", import.meta.url),
  "utf8",
);

const rules = (mode: string, more = "") => `mode: enforce
rules:
  - name: downloads
    when: { kind: alert, key: K8S.NODE_SuspectDownload }
    playbooks: [{ name: isolate-pod, ttl: 8h }]
    mode: ${mode}
  - name: all
    when: { kind: [alert, finding] }
    playbooks: [{ name: notify }]
${more}`;

const files = {
  "a.yaml": rules("observe"),
  "b.yaml": rules("enforce"),
  alert: ALERT,
  finding: FINDING,
  bad: "nonsense",
};

describe("reflex replay", () => {
  it("prints one line of JSON for each signal, with its own time and what the file decides", async () => {
    const { code, err, json } = await reflex(["replay", "alert", "finding", "--config", "b.yaml", "--json"], {
      files,
    });
    expect({ code, err }).toEqual({ code: 0, err: "" });
    expect(json()).toEqual([
      {
        signal: "2517000000000000001_0a0a0a0a-1111-4222-8333-000000000001",
        kind: "alert",
        key: "K8S.NODE_SuspectDownload",
        severity: "Medium",
        notActionable: null,
        at: "2026-02-03T04:09:00.500Z",
        decisions: [
          {
            rule: "downloads",
            playbook: "isolate-pod",
            mode: "enforce",
            target: "pod orders/orders-0",
            clusters: [expect.stringMatching(/managedClusters\/aks-shop$/)],
            ttlMs: 8 * 3_600_000,
            parameters: {},
            notify: [],
            because: [],
          },
          expect.objectContaining({
            rule: "all",
            playbook: "notify",
            mode: "observe",
            target: "alert 2517000000000000001_0a0a0a0a-1111-4222-8333-000000000001",
            clusters: null,
          }),
        ],
      },
      expect.objectContaining({
        kind: "finding",
        decisions: [expect.objectContaining({ playbook: "notify" })],
      }),
    ]);
  });

  it("prints a table for people, with what was parked and a sum", async () => {
    const { code, out } = await reflex(["replay", "alert", "bad", "--config", "a.yaml"], { files });
    expect(code).toBe(1);
    const lines = out.trimEnd().split("\n");
    expect(lines[0]).toMatch(/^SIGNAL +KEY +PLAYBOOK +MODE +RULE +TARGET +BECAUSE$/);
    expect(lines[1]).toMatch(
      / K8S\.NODE_SuspectDownload +isolate-pod +observe +downloads +pod orders\/orders-0 +-$/,
    );
    expect(lines[2]).toMatch(/ notify +observe +all +alert 25170/);
    expect(lines[3]).toMatch(/^- +- +parked /);
    expect(lines[4]).toBe("1 signal, 1 parked.");
    expect(lines).toHaveLength(5);
  });

  it("answers byte for byte the same, whatever the clock says, and in the order of the files", async () => {
    const run = (argv: string[], now: string) =>
      reflex(["replay", ...argv, "--config", "b.yaml", "--json"], { files, now });
    const once = await run(["alert", "finding", "bad"], "2026-03-02T08:00:00Z");
    const again = await run(["alert", "finding", "bad"], "2031-01-01T00:00:00Z");
    expect(again).toMatchObject({ out: once.out, err: once.err, code: once.code });
    const turned = await run(["bad", "finding", "alert"], "2026-03-02T08:00:00Z");
    expect(turned.out.trimEnd().split("\n")).toEqual(once.out.trimEnd().split("\n").reverse());
    expect(turned.out).not.toBe(once.out);
  });

  it("shows with --against only what is decided otherwise, with both sides, and answers 1", async () => {
    const argv = ["replay", "finding", "alert", "--config", "a.yaml", "--against", "b.yaml"];
    const { code, json } = await reflex([...argv, "--json"], { files });
    expect(code).toBe(1);
    expect(json()).toMatchObject([
      {
        kind: "alert",
        config: [{ playbook: "isolate-pod", mode: "observe" }, { playbook: "notify" }],
        against: [{ playbook: "isolate-pod", mode: "enforce" }, { playbook: "notify" }],
      },
    ]);
    const people = await reflex(argv, { files });
    const lines = people.out.trimEnd().split("\n");
    expect(lines.map((line) => line.split(" ", 1)[0])).toEqual([
      "IN",
      "config",
      "config",
      "against",
      "against",
      "2",
    ]);
    expect(lines.at(-1)).toBe("2 signals compared, 1 decided otherwise.");
  });

  it("answers 0 and shows nothing where a change changes no decision", async () => {
    const same = {
      ...files,
      "b.yaml": `# the same in other words\n${rules("observe").replace("8h", "480m")}`,
    };
    expect(
      await reflex(["replay", "alert", "finding", "--config", "a.yaml", "--against", "b.yaml", "--json"], {
        files: same,
      }),
    ).toMatchObject({ code: 0, out: "", err: "" });
  });

  it.each([
    ["deadline", rules("observe").replace("8h", "9h")],
    ["rule", rules("observe").replace("name: all", "name: every")],
    ["channel", rules("observe\n    notify: [c]", "channels: [{ name: c, kind: teams, urlSetting: T }]\n")],
    [
      "exception",
      rules("observe", "exceptions: [{ name: e, owner: o, reason: r, until: 2026-12-31, rule: all }]\n"),
    ],
  ])("tells also of another %s", async (_what, changed) => {
    const ran = await reflex(["replay", "alert", "--config", "a.yaml", "--against", "c", "--json"], {
      files: { ...files, c: changed },
    });
    expect(ran.code).toBe(1);
    expect(ran.json()).toHaveLength(1);
  });

  it("says on standard error what could not be compared", async () => {
    const ran = await reflex(["replay", "bad", "--config", "a.yaml", "--against", "b.yaml"], { files });
    expect(ran).toMatchObject({ code: 0, out: "0 signals compared, 0 decided otherwise.\n" });
    expect(ran.err).toMatch(/^reflex: 1 record could not be decoded/);
  });

  it("takes the mode that the rule has at the signal's own time, or at the given one", async () => {
    const night = `mode: enforce
rules:
  - name: night
    when: { kind: alert }
    playbooks: [{ name: isolate-pod }]
    mode: approve
    maxAge: 2d
    whenOld: approve
    windows: [{ from: "20:00", to: "06:00", timezone: Europe/Berlin, mode: enforce }]
`;
    const first = async (...at: string[]) => {
      const ran = await reflex(["replay", "alert", "--config", "c", "--json", ...at], {
        files: { ...files, c: night },
      });
      const [line] = ran.json();
      return line;
    };
    const of = (mode: string, because: string[]) => ({
      decisions: [expect.objectContaining({ mode, because })],
    });
    // 05:09 in Berlin.
    expect(await first()).toMatchObject(of("enforce", []));
    expect(await first("--at", "2026-02-03T12:00:00Z")).toMatchObject(of("approve", []));
    expect(await first("--at", "2026-02-04T20:00:00Z")).toMatchObject(of("enforce", []));
    expect(await first("--at", "2026-02-06T20:00:00Z")).toMatchObject(
      of("approve", ["it is older than the rule allows"]),
    );
  });

  it("lowers samples, snapshots, and what is too old or does not say when it was", async () => {
    const config = `mode: enforce
rules:
  - name: samples
    when: { kind: alert, sample: [true, false], snapshot: [true, false] }
    playbooks: [{ name: isolate-pod }, { name: notify }]
    mode: enforce
`;
    const record = JSON.parse(ALERT) as Record<string, unknown>;
    const sample = JSON.stringify({ ...record, AlertType: "SIMULATED_K8S.NODE_Webshell" });
    const timeless = JSON.stringify({
      ...record,
      StartTimeUtc: null,
      EndTimeUtc: null,
      TimeGenerated: null,
      ProcessingEndTime: null,
    });
    const of = async (text: string, ...at: string[]) => {
      const ran = await reflex(["replay", "x", "--config", "c", "--json", ...at], {
        files: { x: text, c: config },
      });
      const [line] = ran.json() as { decisions: { mode: string; because: string[] }[] }[];
      return line?.decisions.map(({ mode, because }) => [mode, ...because]);
    };
    const told = ["enforce"];
    expect(await of(ALERT)).toEqual([["enforce"], told]);
    expect(await of(sample)).toEqual([["observe", "it is a sample"], told]);
    expect(await of(timeless)).toEqual([
      ["observe", "it does not say when it was, so it counts as too old"],
      told,
    ]);
    expect(await of(ALERT, "--at", "2026-02-04T04:09:00.500Z")).toEqual([["enforce"], told]);
    expect(await of(ALERT, "--at", "2026-02-04T04:09:00.501Z")).toEqual([
      ["observe", "it is older than the rule allows"],
      told,
    ]);
  });

  it("names the exception that covers a signal, as long as it had not ended", async () => {
    const exception = (parts: string) =>
      rules("enforce", `exceptions:\n  - { name: e, owner: team, reason: r, until: 2026-02-28, ${parts} }\n`);
    const because = async (parts: string, ...at: string[]) => {
      const ran = await reflex(["replay", "alert", "--config", "c", "--json", ...at], {
        files: { ...files, c: exception(parts) },
      });
      return (ran.json() as { decisions: { because: string[] }[] }[])[0]?.decisions.map((one) => one.because);
    };
    const told = ["exception e of team until 2026-03-01T00:00:00.000Z"];
    expect(await because("rule: downloads")).toEqual([told, []]);
    expect(await because("key: 'K8S.NODE_Suspect*'")).toEqual([told, told]);
    expect(await because("playbook: isolate-pod, where: { namespace: orders }")).toEqual([told, []]);
    expect(await because("playbook: isolate-pod, where: { namespace: lab }")).toEqual([[], []]);
    // What nobody has read is not taken to hold.
    expect(await because("where: { labels: { app: x } }")).toEqual([[], []]);
    expect(await because("rule: downloads", "--at", "2026-03-01T00:00:00Z")).toEqual([
      ["it is older than the rule allows"],
      [],
    ]);
  });

  it("says that labels are not known where a rule asks for them", async () => {
    const config = "rules: [{ name: r, when: { labels: { app: x } }, playbooks: [{ name: notify }] }]\n";
    const ran = await reflex(["replay", "alert", "--config", "c", "--json"], {
      files: { ...files, c: config },
    });
    expect(ran.err).toMatch(/^reflex: labels are read from the cluster/);
    expect(ran.json()).toMatchObject([{ decisions: [] }]);
  });

  it.each([
    [["alert"], "--config"],
    [["--config", "a.yaml"], "files"],
    [["alert", "--config", "none"], "none cannot be read"],
    [["alert", "--config", "bad"], "`reflex check bad` lists all"],
    [["alert", "--config", "a.yaml", "--against", "bad"], "`reflex check bad` lists all"],
    [["none", "--config", "a.yaml"], "none cannot be read: there is no such file"],
    [["none", "alert", "--config", "a.yaml", "--against", "b.yaml"], "none cannot be read"],
    [["alert", "--config", "a.yaml", "--at", "noon"], "--at noon is no time"],
    [["alert", "--config", "a.yaml", "--at", "2h"], "would mean another time tomorrow"],
    [["-", "-", "--config", "a.yaml"], "standard input (-) can be read only once"],
  ])("answers 2 and one sentence for wrong use: %j", async (argv, sentence) => {
    const { code, err } = await reflex(["replay", ...argv], { files });
    expect(code).toBe(2);
    expect(err).toContain(sentence);
    expect(err.trimEnd().split("\n")).toHaveLength(1);
  });

  it("lets no text of an alert reach the terminal as a command or as a line of its own", async () => {
    const hostile = HOSTILE.toWellFormed();
    const record = {
      ...JSON.parse(ALERT),
      AlertType: hostile,
      SystemAlertId: hostile,
      CompromisedEntity: hostile,
    };
    for (const more of [[], ["--json"]]) {
      const { out } = await reflex(["replay", "x", "--config", "a.yaml", ...more], {
        files: { ...files, x: JSON.stringify(record) },
      });
      expect(unsafeIn(out)).toEqual([]);
      expect(out.split("\n").filter((line) => line.startsWith("id "))).toEqual([]);
    }
  });
});

describe("a large export", () => {
  const line = (number: number) => JSON.stringify({ ...JSON.parse(ALERT), SystemAlertId: `id-${number}` });

  it("is replayed line by line, the same as in small files", async () => {
    const lines = Array.from({ length: 800 }, (_, index) => line(index));
    lines.splice(500, 0, "", "{ broken", "");
    const text = lines.join("\r\n");
    expect(text.length).toBeGreaterThan(2 * 1024 * 1024);
    const config = ["--config", "a.yaml", "--json"];
    const whole = await reflex(["replay", "big", ...config], { files: { ...files, big: text } });
    const parts = { p0: lines.slice(0, 300).join("\n"), p1: lines.slice(300).join("\n") };
    const parted = await reflex(["replay", "p0", "p1", ...config], { files: { ...files, ...parts } });
    expect(whole.out).toBe(parted.out);
    expect(whole.json()).toHaveLength(801);
    expect(whole.json()[500]).toEqual({ parked: expect.any(String) });
  });

  it("is replayed also as one list over many lines", async () => {
    const list = JSON.stringify(
      Array.from({ length: 500 }, (_, index) => JSON.parse(line(index))),
      null,
      1,
    );
    expect(list.length).toBeGreaterThan(1024 * 1024);
    const ran = await reflex(["replay", "big", "--config", "a.yaml", "--json"], {
      files: { ...files, big: list },
    });
    expect(ran.code).toBe(0);
    expect(ran.json()).toHaveLength(500);
  });

  it("is never held whole: what was read ahead of what was handed out stays small", async () => {
    const text = new TextEncoder().encode(`${line(1)}\n`);
    const piece = Buffer.concat(Array.from({ length: 20 }, () => text));
    let read = 0;
    const io = {
      openFile: async function* () {
        for (let count = 0; count < 500; count++) {
          read += piece.length;
          yield piece;
        }
      },
    };
    let given = 0;
    let ahead = 0;
    for await (const body of readBodies(io, "big")) {
      given += body.length + 1;
      ahead = Math.max(ahead, read - given);
    }
    expect(given).toBe(500 * piece.length);
    expect(given).toBeGreaterThan(20 * 1024 * 1024);
    expect(ahead).toBeLessThan(1024 * 1024 + 2 * piece.length);
  });

  it("stops reading when nobody wants more", async () => {
    let closed = false;
    const io = {
      openFile: async function* () {
        try {
          for (;;) yield new TextEncoder().encode(`${ALERT.replaceAll("\n", " ")}\n`);
        } finally {
          closed = true;
        }
      },
    };
    for await (const body of readBodies(io, "endless")) {
      expect(body.length).toBeGreaterThan(0);
      break;
    }
    expect(closed).toBe(true);
  });

  it("parks a line that is larger than an event, and goes on after it", async () => {
    const long = `{"AlertType":"${"x".repeat(5 * 1024 * 1024)}"}`;
    const text = [line(1), long, line(2)].join("\n");
    const ran = await reflex(["replay", "big", "--config", "a.yaml", "--json"], {
      files: { ...files, big: text },
    });
    expect(ran.json()).toEqual([
      expect.objectContaining({ signal: "id-1" }),
      { parked: expect.stringContaining("larger than") },
      expect.objectContaining({ signal: "id-2" }),
    ]);
  });

  it("is refused as one document that no memory is meant to hold, with what to do", async () => {
    const io = {
      openFile: async function* () {
        yield new TextEncoder().encode("[\n");
        const piece = Buffer.alloc(8 * 1024 * 1024, " ");
        for (let count = 0; count < 20; count++) yield piece;
      },
    };
    const all = async () => {
      for await (const body of readBodies(io, "huge")) expect(body).toBeDefined();
    };
    await expect(all()).rejects.toThrow(
      "huge is one JSON document of more than 128 MiB; write it as lines of JSON",
    );
  });
});

describe("a month of records, replayed", () => {
  const month = monthOfRecords(20_260_301, 3_000);
  const text = month.map(({ line }) => `${line}\n`).join("");
  const config = (mode: string, windows = "") => `mode: enforce
rules:
  - name: lab
    when: { kind: alert, namespace: lab }
    playbooks: [{ name: isolate-pod, ttl: 1h }]
  - name: miners
    when: { kind: alert, key: "K8S.NODE_CryptoCoinMiner*" }
    playbooks: [{ name: isolate-pod, ttl: 8h }, { name: notify }]
    mode: ${mode}
${windows}  - name: images
    when: { kind: recommendation, status: Unhealthy }
    playbooks: [{ name: block-image, ttl: 7d }]
`;
  const machine = {
    files: {
      month: text,
      "a.yaml": config("observe"),
      "b.yaml": config("enforce"),
      "night.yaml": config(
        "observe",
        '    windows: [{ days: weekdays, from: "20:00", to: "06:00", timezone: Europe/Berlin, mode: enforce }]\n',
      ),
    },
  };
  const miners = month.filter(
    ({ kind, isSample, isResolved, namespace }) =>
      kind === "miner" && !isSample && !isResolved && namespace !== "lab",
  );

  it("is the same month for the same seed, and another for another", () => {
    expect(monthOfRecords(20_260_301, 3_000)).toEqual(month);
    expect(monthOfRecords(1, 3_000)).not.toEqual(month);
    expect(text.length).toBeGreaterThan(2 * 1024 * 1024);
    expect(month[0]?.at.slice(0, 10)).toBe("2026-03-01");
    expect(month.at(-1)?.at.slice(0, 10)).toBe("2026-03-31");
  });

  it("is byte for byte the same twice, and counts what was made up", async () => {
    const run = () => reflex(["replay", "month", "--config", "a.yaml", "--json"], machine);
    const once = await run();
    expect((await run()).out).toBe(once.out);
    const lines = once.json() as { parked?: string; decisions?: { rule: string; playbook: string }[] }[];
    expect(lines).toHaveLength(3_000);
    const decided = (rule: string, playbook: string) =>
      lines.filter((line) => line.decisions?.some((one) => one.rule === rule && one.playbook === playbook))
        .length;
    const made = (...kinds: string[]) =>
      month.filter(
        (one) => kinds.includes(one.kind) && !one.isResolved && (one.kind === "image" || !one.isSample),
      );
    expect(lines.filter(({ parked }) => parked !== undefined)).toHaveLength(
      month.filter(({ kind }) => kind === "broken").length,
    );
    expect(decided("miners", "isolate-pod")).toBe(miners.length);
    expect(decided("miners", "notify")).toBe(made("miner").length);
    expect(decided("lab", "isolate-pod")).toBe(
      made("miner", "shell").filter(({ namespace }) => namespace === "lab").length,
    );
    expect(decided("images", "block-image")).toBe(made("image").length);
    expect(miners.length).toBeGreaterThan(300);
  });

  it("shows of a raised rule only the signals for which it decides, with the mode before and after", async () => {
    const ran = await reflex(
      ["replay", "month", "--config", "a.yaml", "--against", "b.yaml", "--json"],
      machine,
    );
    expect(ran.code).toBe(1);
    const lines = ran.json() as Record<
      "config" | "against",
      { rule: string; playbook: string; mode: string }[]
    >[];
    // In the lab the rule still decides to tell people.
    expect(lines).toHaveLength(
      month.filter((one) => one.kind === "miner" && !one.isSample && !one.isResolved).length,
    );
    const isolating = lines.filter(({ config: one }) =>
      one.some((d) => d.rule === "miners" && d.playbook === "isolate-pod"),
    );
    expect(isolating).toHaveLength(miners.length);
    for (const { config: before, against: after } of lines) {
      const of = (side: typeof before, mode: string) =>
        side.filter((one) => one.rule === "miners" && one.mode !== mode);
      expect([of(before, "observe"), of(after, "enforce")]).toEqual([[], []]);
    }
  });

  it("would have acted only in the nights of weekdays by a rule that says so, over the change of clocks too", async () => {
    const ran = await reflex(["replay", "month", "--config", "night.yaml", "--json"], machine);
    const lines = ran.json() as {
      at: string;
      decisions?: { rule: string; playbook: string; mode: string }[];
    }[];
    const enforced = lines.flatMap(({ at, decisions = [] }) =>
      decisions.some((one) => one.playbook === "isolate-pod" && one.mode === "enforce") ? [at] : [],
    );
    const isNight = ({ at }: { at: string }) => {
      // Central European summer time began on 29 March 2026 at 01:00 UTC.
      const local = new Date(Date.parse(at) + (at < "2026-03-29T01" ? 1 : 2) * 3_600_000);
      const hour = local.getUTCHours();
      const began = hour < 6 ? (local.getUTCDay() + 6) % 7 : local.getUTCDay();
      return (hour >= 20 || hour < 6) && began >= 1 && began <= 5;
    };
    expect(enforced).toEqual(miners.filter(isNight).map(({ at }) => at));
    expect(enforced.length).toBeGreaterThan(50);
    expect(enforced.some((at) => at > "2026-03-30")).toBe(true);
  });
});
