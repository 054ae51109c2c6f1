import type { SecurityCenter } from "@azure/arm-security";
import type { DefenderPort, DefenderRecord, DefenderReference } from "../../model/defender-port.ts";
import { armPath, armSegment } from "../arm/arm-path.ts";
import { classifyFault, isNotThere, StrangeAnswer } from "../arm/classify-fault.ts";
import { inTime } from "../arm/in-time.ts";
import type { ArmAccess } from "../arm/index.ts";
import { alertRecord, assessmentRecord, findingRecord } from "./defender-record.ts";

/** How one call is watched: ended by its signal, and its answer seen as it came. */
interface Watched {
  readonly abortSignal: AbortSignal;
  onResponse(answer: { readonly bodyAsText?: string | null; readonly status: number }): void;
}

/** Defender behind Resource Manager; the library is loaded with the first question. One call for each. */
export function createDefender(access: ArmAccess): DefenderPort {
  let first: Promise<SecurityCenter> | undefined;
  /** The client is bound to a subscription; all share the pipeline, and with it the token. */
  const clientOf = async (subscriptionId: string): Promise<SecurityCenter> => {
    first ??= openClient(access);
    const { pipeline } = await first;
    const sdk = await import("./sdk.ts");
    const { origin } = access.endpoint;
    const httpClient = await access.httpClient();
    return new sdk.SecurityCenter(access.credential, subscriptionId, {
      endpoint: origin,
      $host: origin,
      pipeline,
      httpClient,
    });
  };
  return {
    async find(reference) {
      const what = `read the ${reference.kind} ${"name" in reference ? reference.name : reference.key}`;
      try {
        checkReference(reference);
        return await inTime(access.timeoutMs, async (abortSignal) => {
          const client = await clientOf(subscriptionOf(reference));
          return read(client, reference, abortSignal);
        });
      } catch (error) {
        if (saysNotThere(error)) return null;
        throw classifyFault(error, what);
      }
    },
  };
}

async function openClient(access: ArmAccess): Promise<SecurityCenter> {
  const sdk = await import("./sdk.ts");
  const { origin, scope } = access.endpoint;
  const client = new sdk.SecurityCenter(access.credential, "00000000-0000-0000-0000-000000000000", {
    ...access.pipelineOptions,
    endpoint: origin,
    $host: origin,
    credentialScopes: [scope],
  });
  await access.protect(client.pipeline);
  return client;
}

async function read(
  client: SecurityCenter,
  reference: DefenderReference,
  abortSignal: AbortSignal,
): Promise<DefenderRecord> {
  let body: unknown = null;
  const watched: Watched = {
    abortSignal,
    onResponse: ({ status, bodyAsText }) => {
      if (status === 200) body = JSON.parse(bodyAsText ?? "");
    },
  };
  const record = recordOf(reference, await ask(client, reference, watched), () => body);
  if (record === null) throw new StrangeAnswer("The answer is not the record that was asked for.");
  return record;
}

function ask(client: SecurityCenter, reference: DefenderReference, watched: Watched): Promise<unknown> {
  switch (reference.kind) {
    case "alert": {
      const { location, name, resourceGroup } = reference;
      return resourceGroup === null
        ? client.alerts.getSubscriptionLevel(location, name, watched)
        : client.alerts.getResourceGroupLevel(location, name, resourceGroup, watched);
    }
    case "assessment":
      // Its severity is in the metadata.
      return client.assessments.get(scopeOf(reference), reference.key, { ...watched, expand: "metadata" });
    case "sub-assessment":
      return client.subAssessments.get(scopeOf(reference), reference.key, reference.name, watched);
  }
}

function recordOf({ kind }: DefenderReference, answer: unknown, body: () => unknown): DefenderRecord | null {
  if (kind === "alert") return alertRecord(answer, body());
  return kind === "assessment" ? assessmentRecord(answer, body()) : findingRecord(answer, body());
}

/** The client puts the scope into its path as it is given: without the slash, checked and encoded by us. */
function scopeOf({ resourceId }: { readonly resourceId: string }): string {
  return armPath(resourceId).slice(1);
}

function subscriptionOf(reference: DefenderReference): string {
  return reference.kind === "alert" ? reference.subscriptionId : (reference.resourceId.split("/")[2] ?? "");
}

/** All of a reference comes from the export. Raises `Permanent` where it is not made of names. */
function checkReference(reference: DefenderReference): void {
  if (reference.kind !== "alert") armPath(reference.resourceId);
  const names =
    reference.kind === "alert"
      ? [reference.location, reference.name, reference.resourceGroup ?? "none"]
      : [reference.key, ...("name" in reference ? [reference.name] : [])];
  for (const name of names) armSegment(name);
  armPath(`/subscriptions/${subscriptionOf(reference)}`);
}

function saysNotThere(error: unknown): boolean {
  if (!(error instanceof Error && error.name === "RestError" && "response" in error)) return false;
  const { response } = error;
  if (typeof response !== "object" || response === null) return false;
  return (
    "status" in response &&
    response.status === 404 &&
    "bodyAsText" in response &&
    typeof response.bodyAsText === "string" &&
    isNotThere({ status: 404, headers: new Headers(), bodyAsText: response.bodyAsText })
  );
}
