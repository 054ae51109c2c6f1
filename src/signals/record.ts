import type { Signal } from "../model/signal.ts";
import { alertSignal } from "./alert.ts";
import { readArmAlert } from "./alert-arm.ts";
import { readEventHubAlert } from "./alert-event-hub.ts";
import { readLogAnalyticsAlert } from "./alert-log-analytics.ts";
import { findingSignal } from "./finding.ts";
import type { JsonObject } from "./json-value.ts";
import { otherSignal } from "./other-record.ts";
import { recommendationSignal } from "./recommendation.ts";
import { recordKind } from "./record-kind.ts";

/** Reads one record of any kind. A record without the id that its kind must have is an unknown one. */
export function recordSignal(record: JsonObject): Signal {
  const kind = recordKind(record);
  switch (kind) {
    case "alertEventHub":
      return alertSignal(readEventHubAlert(record)) ?? otherSignal(record, "unknown");
    case "alertArm":
      return alertSignal(readArmAlert(record)) ?? otherSignal(record, "unknown");
    case "alertLogAnalytics":
      return alertSignal(readLogAnalyticsAlert(record)) ?? otherSignal(record, "unknown");
    case "recommendation":
      return recommendationSignal(record) ?? otherSignal(record, "unknown");
    case "finding":
      return findingSignal(record) ?? otherSignal(record, "unknown");
    default:
      return otherSignal(record, kind);
  }
}
