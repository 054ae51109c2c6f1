import { describe, expect, it } from "vitest";
import { CLUSTER, eventHubAlert, SUBSCRIPTION, signalOf } from "./alert-builder.ts";

const ASSESSMENT = `${CLUSTER}/providers/Microsoft.Security/assessments/5d90913f-a1c5-4429-ad54-2c6c17fb3c73`;

function kindOf(record: unknown): string {
  const { kind, otherKind } = signalOf(record);
  return otherKind ?? kind;
}

describe("the kind of a record", () => {
  it("is finding for a type that ends in subassessments in any casing, though it begins like a recommendation", () => {
    const id = `${ASSESSMENT}/subassessments/1`;
    expect(kindOf({ type: "Microsoft.Security/assessments/subAssessments", id })).toBe("finding");
    expect(kindOf({ Type: "MICROSOFT.SECURITY/ASSESSMENTS/SUBASSESSMENTS", Id: id })).toBe("finding");
  });

  it("is recommendation for the type microsoft.security/assessments", () => {
    expect(kindOf({ type: "Microsoft.Security/assessments", id: ASSESSMENT })).toBe("recommendation");
  });

  it("is regulatory compliance though its type ends in Assessments and its name is an assessment key", () => {
    const type =
      "Microsoft.Security/regulatoryComplianceStandards/regulatoryComplianceControls/regulatoryComplianceAssessments";
    const signal = signalOf({ type, id: `${SUBSCRIPTION}/x`, name: "5d90913f-a1c5-4429-ad54-2c6c17fb3c73" });
    expect(signal).toMatchObject({ kind: "other", otherKind: "regulatoryCompliance", key: null });
  });

  it("tells a secure score from a secure score control", () => {
    expect(kindOf({ type: "Microsoft.Security/secureScores", id: "s" })).toBe("secureScore");
    expect(kindOf({ type: "Microsoft.Security/secureScores/secureScoreControls", id: "c" })).toBe(
      "secureScoreControl",
    );
  });

  it("is alert for the ARM type in any casing", () => {
    expect(kindOf({ type: "microsoft.security/LOCATIONS/Alerts", name: "a", properties: {} })).toBe("alert");
  });

  it("is alert without a type where AlertType and SystemAlertId stand, also with a type of null", () => {
    expect(kindOf(eventHubAlert())).toBe("alert");
    expect(kindOf(eventHubAlert({ Type: null, type: "" }))).toBe("alert");
  });

  it("is unknown where only one of AlertType and SystemAlertId stands", () => {
    expect(kindOf(eventHubAlert({ AlertType: undefined }))).toBe("unknown");
    expect(kindOf(eventHubAlert({ SystemAlertId: 2517 }))).toBe("unknown");
  });

  it("is alert for a SecurityAlert row with and without its Type column", () => {
    const row = {
      AlertType: "X",
      SystemAlertId: "sentinel-1",
      VendorOriginalId: "defender-1",
      AlertSeverity: "High",
    };
    expect(signalOf({ ...row, Type: "SecurityAlert" })).toMatchObject({
      kind: "alert",
      id: "defender-1",
      severity: "High",
    });
    expect(signalOf(row)).toMatchObject({ kind: "alert", id: "defender-1", severity: "High" });
  });

  it("is attack path where the type says so", () => {
    expect(kindOf({ type: "Microsoft.Security/attackPaths", id: "p" })).toBe("attackPath");
  });

  it("is an activity log alert by the common schema or by the activity log in its context", () => {
    expect(kindOf({ schemaId: "azureMonitorCommonAlertSchema", data: {} })).toBe("activityLogAlert");
    const activityLog = { eventDataId: "e-1", resourceId: CLUSTER, operationName: "delete" };
    expect(
      signalOf({ schemaId: "old", data: { status: "Activated", context: { activityLog } } }),
    ).toMatchObject({
      otherKind: "activityLogAlert",
      id: "e-1",
      resourceIds: [CLUSTER],
      status: "Activated",
    });
  });

  it("never comes from words in the text of the record", () => {
    const inside = JSON.stringify({ type: "Microsoft.Security/assessments/subAssessments", AlertType: "X" });
    const record = {
      type: "Microsoft.Security/assessments",
      id: ASSESSMENT,
      properties: { additionalData: { inside } },
    };
    expect(kindOf(record)).toBe("recommendation");
    expect(kindOf({ note: "Microsoft.Security/Locations/alerts", AlertTypes: 1 })).toBe("unknown");
  });

  it("is unknown for a kind without the id it must have", () => {
    expect(kindOf({ type: "Microsoft.Security/assessments", properties: {} })).toBe("unknown");
    expect(kindOf({ type: "Microsoft.Security/Locations/alerts", properties: {} })).toBe("unknown");
  });

  it("gives an unknown record its own id, else a stable derived one", () => {
    expect(signalOf({ SystemAlertId: "a", id: "b" }).id).toBe("a");
    expect(signalOf({ id: "b", name: "c" }).id).toBe("b");
    expect(signalOf({ Id: "d", name: "c" }).id).toBe("d");
    expect(signalOf({ name: "c" }).id).toBe("c");
    const derived = signalOf({ a: 1, b: [2] }).id;
    expect(derived).toMatch(/^unknown:[0-9a-f]{64}$/);
    expect(signalOf('{ "a": 1,\n "b": [2] }').id).toBe(derived);
    expect(signalOf({ a: 1, b: [3] }).id).not.toBe(derived);
  });
});
