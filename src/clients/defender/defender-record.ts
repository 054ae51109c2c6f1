import { z } from "zod";
import type { DefenderRecord } from "../../model/defender-port.ts";

const text = z.string().nullish();
/** The SDK makes times of what it can read. */
const time = z.date().nullish();

const alertSchema = z.object({
  id: z.string(),
  name: z.string(),
  systemAlertId: z.string(),
  alertType: text,
  severity: text,
  status: text,
  endTimeUtc: time,
  timeGeneratedUtc: time,
  resourceIdentifiers: z.array(z.looseObject({ azureResourceId: text })).nullish(),
});
const resourceDetails = z.looseObject({ id: text }).nullish();
const assessmentSchema = z.object({
  id: z.string(),
  name: z.string(),
  status: z.object({ code: z.string(), statusChangeDate: time }),
  metadata: z.object({ severity: text }).nullish(),
  resourceDetails,
});
const findingSchema = z.object({
  id: z.string(),
  name: z.string(),
  status: z.object({ code: z.string(), severity: text }),
  timeGenerated: time,
  resourceDetails,
});

const PARENT = /^(.*)\/providers\/microsoft\.security\/assessments\/([^/]+)/i;

/** What Defender says of an alert, of what the SDK made of its answer; null where that is no alert. */
export function alertRecord(answer: unknown, body: unknown): DefenderRecord | null {
  const alert = alertSchema.safeParse(answer).data;
  if (alert === undefined || alert.name.toLowerCase() !== alert.systemAlertId.toLowerCase()) return null;
  return {
    id: alert.systemAlertId,
    key: alert.alertType ?? null,
    severity: alert.severity ?? null,
    // In progress means that a person is at it.
    open: alert.status?.toLowerCase() === "active",
    status: alert.status ?? "unknown",
    resourceIds: (alert.resourceIdentifiers ?? []).flatMap(({ azureResourceId }) => azureResourceId ?? []),
    at: latest(alert.endTimeUtc, alert.timeGeneratedUtc),
    body,
  };
}

/** As `alertRecord`, of a recommendation for one resource. */
export function assessmentRecord(answer: unknown, body: unknown): DefenderRecord | null {
  const assessment = assessmentSchema.safeParse(answer).data;
  if (assessment === undefined) return null;
  return {
    id: assessment.name,
    key: PARENT.exec(assessment.id)?.[2] ?? null,
    severity: assessment.metadata?.severity ?? null,
    open: assessment.status.code.toLowerCase() === "unhealthy",
    status: assessment.status.code,
    resourceIds: about(assessment),
    at: latest(assessment.status.statusChangeDate),
    body,
  };
}

/** As `alertRecord`, of a finding under a recommendation. */
export function findingRecord(answer: unknown, body: unknown): DefenderRecord | null {
  const finding = findingSchema.safeParse(answer).data;
  if (finding === undefined) return null;
  return {
    id: finding.name,
    key: PARENT.exec(finding.id)?.[2] ?? null,
    severity: finding.status.severity ?? null,
    open: finding.status.code.toLowerCase() === "unhealthy",
    status: finding.status.code,
    resourceIds: about(finding),
    at: latest(finding.timeGenerated),
    body,
  };
}

function about(record: {
  readonly id: string;
  readonly resourceDetails?: { readonly id?: string | null | undefined } | null | undefined;
}): string[] {
  return [record.resourceDetails?.id, PARENT.exec(record.id)?.[1]].flatMap((id) => id ?? []);
}

function latest(...times: readonly (Date | null | undefined)[]): string | null {
  const known = times.flatMap((one) => (one == null || Number.isNaN(one.getTime()) ? [] : [one.getTime()]));
  return known.length === 0 ? null : new Date(Math.max(...known)).toISOString();
}
