import type { RuleReport } from "./report.ts";

type Facts = Omit<RuleReport, "sentences">;

/** What a person should see before the rule is raised, one sentence each, only from what was counted. */
export function sentencesOf(report: Facts): readonly string[] {
  if (report.remediations === 0) {
    return [
      `It has no records since ${report.since}: there is nothing to judge it by.`,
      ...incomplete(report),
    ];
  }
  return [...plans(report), ...peaks(report), ...people(report), ...faults(report), ...incomplete(report)];
}

function plans({ observed }: Facts): string[] {
  if (observed.plans === 0)
    return ["It observed no change: the records do not show what raising it would do."];
  const many = `${observed.plans} ${observed.plans === 1 ? "change" : "changes"}`;
  const targets = `${observed.targets} ${observed.targets === 1 ? "target" : "targets"}`;
  return [`It planned ${many} to ${targets} and only observed.`];
}

function peaks({ peaks: all }: Facts): string[] {
  const over = all.filter(({ targets, limit }) => targets > limit);
  if (all.length > 0 && over.length === 0)
    return ["Taken alone, it would have stayed within every budget in every hour."];
  return over.map(
    ({ budget, name, hour, targets, limit }) =>
      `In the hour of ${hour}:00 UTC it planned for ${targets} targets; the budget for ${budget} ${name} lets ${limit} go without a person, so ${targets - limit} would have waited for one.`,
  );
}

function people({ takenBack, remediations }: Facts): string[] {
  const of = `${takenBack.count} of its ${remediations} remediations`;
  return takenBack.count === 0 ? [] : [`People took back or rejected ${of}: look why before it is raised.`];
}

function faults({ states }: Facts): string[] {
  return states.flatMap(({ name, count }) =>
    name === "failed" || name === "refused" ? [`${count} ended ${name}: reflex list shows the reasons.`] : [],
  );
}

function incomplete({ complete }: Facts): string[] {
  return complete ? [] : ["There are more records than were read: ask for a shorter time to see all of it."];
}
