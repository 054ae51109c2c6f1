import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { BROKEN, REPLACED } from "./broken-engines.ts";
import { figure, noteFigure, SEED } from "./long.ts";
import { runStory } from "./story.ts";

const STORIES = figure(10_000, 150);
/** What the stories must have been about, all together: what was done, and where it led. */
const TOLD = [
  "alert",
  "crash",
  "pause",
  "resume",
  "approve",
  "reject",
  "revert",
  "extend",
  "retry",
  "changes the field",
  "removes the field",
  "changes what the plan shows",
  "makes the pod anew",
  "approval used: applying",
  "approval voided: awaiting-approval",
  "expired: expired",
  "rejected: rejected",
  "reverted: reverted",
  "superseded: superseded",
];

// Time in a story is the story's own: a limit on a call is a place of its schedule, not a second of ours.
beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
});
afterEach(() => {
  vi.useRealTimers();
});

describe("random stories of several instances, people, owners and deaths", () => {
  it(
    "all follow the model of the life",
    async () => {
      const seen = new Set<string>();
      const broken: string[] = [];
      for (let story = 0; story < STORIES; story++) {
        const told = await runStory(SEED + story);
        for (const what of told.seen) seen.add(what);
        if (told.faults.length > 0) broken.push(`story ${told.seed}: ${JSON.stringify(told.faults)}`);
      }
      expect(broken).toEqual([]);
      expect(TOLD.filter((what) => !seen.has(what))).toEqual([]);
      noteFigure("Model check", "stories, of which broke a promise", `${STORIES}, ${broken.length}`);
    },
    figure(3_600_000, 120_000),
  );
});

describe("the model finds what is wrong with an engine that", () => {
  afterEach(() => {
    for (const one of REPLACED) vi.doUnmock(one);
  });

  it.each(Object.entries(BROKEN))("%s", { timeout: 240_000 }, async (name, { breaks, within, replaces }) => {
    // Modules are loaded anew, so that the replaced ones are found; what was imported above stays whole.
    vi.resetModules();
    replaces?.();
    const { BROKEN: fresh } = await import("./broken-engines.ts");
    const { runStory: runBroken } = await import("./story.ts");
    for (let story = 0; story < within; story++) {
      const { faults } = await runBroken(SEED + story, fresh[name]);
      const found = faults.find(({ kind }) => breaks.includes(kind));
      if (found === undefined) continue;
      noteFigure("Model check", `stories until caught: an engine that ${name}`, story + 1);
      // The same story is told without a fault by the engine as it is.
      expect((await runStory(SEED + story)).faults).toEqual([]);
      return;
    }
    expect.fail(`none of ${within} stories showed it`);
  });
});
