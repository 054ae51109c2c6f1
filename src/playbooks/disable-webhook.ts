import { z } from "zod";
import { canonicalJson } from "../model/canonical-json.ts";
import { Conflict } from "../model/errors.ts";
import { INCIDENT_LABEL } from "../model/incident-mark.ts";
import type { Json, Plan } from "../model/plan.ts";
import { playbook, type ReadPorts } from "../model/playbook.ts";
import type { Webhook, WebhookConfiguration } from "../model/webhook.ts";
import { byWhom } from "./foreign-change.ts";
import { knownWebhook } from "./known-webhooks.ts";
import { plannedTarget } from "./planned-target.ts";
import { touchedField } from "./touched-field.ts";

/** No object has a label and has it not, so this selects none. */
const NOTHING: Json = {
  matchExpressions: [
    { key: "defender-reflex.dev/none", operator: "Exists" },
    { key: "defender-reflex.dev/none", operator: "DoesNotExist" },
  ],
};
/** A plan is stored, and its selectors are written again. */
const MOST_BEFORE = 20_000;
const LABEL = ["metadata", "labels", INCIDENT_LABEL];

/** What the plan remembers: the hooks in their order, and what each selected. */
const dataSchema = z.object({ hooks: z.array(z.object({ name: z.string(), before: z.json() })).min(1) });

const impact =
  "The API server asks these webhooks no more: what they checked, changed or saw passes without them.";

/**
 * Takes an admission webhook out of the way without deleting it: each of its hooks selects no object at all. The selector
 * of namespaces would not do: a hook is asked about objects of the whole cluster whatever that says (measured). One
 * conditional change, with our label. High impact: whoever relied on what the hook checked or filled in goes without.
 */
export const disableWebhook = playbook({
  name: "disable-webhook",
  title: "Disable an admission webhook",
  kind: "containment",
  target: "webhook",
  parameters: z.strictObject({}),
  permissions: {
    kubernetes: ["validatingwebhookconfigurations", "mutatingwebhookconfigurations"].map((resource) => ({
      apiGroup: "admissionregistration.k8s.io",
      resource,
      verbs: ["get", "patch"],
    })),
    arm: [],
  },
  impact,
  highImpact: true,
  reversible: true,
  destroysEvidence: false,

  async plan({ target, remediationId }, { read }) {
    const { cluster, webhookKind, name } = target;
    const object = `${webhookKind} ${name}`;
    const found = await read.kubernetes(cluster).webhooks(webhookKind, name);
    if (found === null) {
      return { outcome: "skip", reason: `${object} has gone.` };
    }
    const obstacle = obstacleTo(found, remediationId);
    if (obstacle !== null) {
      return { outcome: "skip", reason: `${object} ${obstacle}.` };
    }
    if (found.webhooks.length === 0) {
      return { outcome: "no-op", reason: `${object} holds no hook.`, identity: found.uid };
    }
    const path = `${webhookKind.toLowerCase()}s/${name}`;
    return {
      outcome: "change",
      draft: {
        identity: found.uid,
        steps: [
          {
            sentence: `have ${found.webhooks.map(hookWords).join(", ")} of ${object} select nothing, and label it as disabled by this remediation`,
            touches: [
              ...found.webhooks.map((hook) =>
                touchedField(cluster, path, `webhooks[${hook.name}].objectSelector`),
              ),
              touchedField(cluster, path, LABEL.join(".")),
            ],
            before: found.webhooks.map((hook) => ({ name: hook.name, objectSelector: hook.objectSelector })),
            after: found.webhooks.map((hook) => ({ name: hook.name, objectSelector: NOTHING })),
          },
        ],
        impact,
        limits: limitsOf(found),
        data: { hooks: found.webhooks.map((hook) => ({ name: hook.name, before: hook.objectSelector })) },
      },
    };
  },

  async apply(plan, { read, write }) {
    const { cluster, webhookKind, name } = plannedTarget(plan, "webhook");
    const found = await configurationOf(plan, read);
    if (found === null) {
      throw new Conflict(
        `${webhookKind} ${name} has gone since the plan was made.`,
        "Nothing is left to be disabled; a new one of that name needs a plan of its own.",
      );
    }
    const { hooks } = dataSchema.parse(plan.data);
    const label = found.labels[INCIDENT_LABEL];
    const isOurs = label === plan.remediationId;
    if (isOurs && hooks.every((hook) => selects(found, hook.name, NOTHING))) return;
    const isAsPlanned =
      found.webhooks.length === hooks.length &&
      hooks.every((hook, place) => found.webhooks[place]?.name === hook.name) &&
      hooks.every((hook) => selects(found, hook.name, hook.before));
    if (isOurs || label !== undefined || !isAsPlanned) throw foreignChange(found, webhookKind);
    await write.kubernetes(cluster).selectObjects(webhookKind, name, found, {
      selectors: Object.fromEntries(hooks.map((hook) => [hook.name, NOTHING])),
      labels: { [INCIDENT_LABEL]: plan.remediationId },
    });
  },

  async verify(plan, { read }) {
    const { webhookKind, name } = plannedTarget(plan, "webhook");
    const found = await configurationOf(plan, read);
    if (found === null) {
      return { verdict: "absent", reason: `${webhookKind} ${name} has gone.` };
    }
    const { hooks } = dataSchema.parse(plan.data);
    const here = hooks.filter((hook) => found.webhooks.some((one) => one.name === hook.name));
    const undone = here.filter((hook) => !selects(found, hook.name, NOTHING));
    if (undone.length > 0 || found.labels[INCIDENT_LABEL] !== plan.remediationId) {
      const what = undone.length > 0 ? undone.map((hook) => hook.name).join(", ") : "our label";
      return { verdict: "absent", reason: `${webhookKind} ${name}: our change is not there (${what}).` };
    }
    const more = found.webhooks.filter((one) => !hooks.some((hook) => hook.name === one.name));
    return more.length === 0
      ? { verdict: "holds", proof: "declared" }
      : {
          verdict: "partial",
          remains: more.map((one) => `Somebody has added ${hookWords(one)} to ${webhookKind} ${name}.`),
        };
  },

  async revert(plan, { read, write }) {
    const { cluster, webhookKind, name } = plannedTarget(plan, "webhook");
    const found = await configurationOf(plan, read);
    if (found === null) {
      return { outcome: "gone", reason: `${webhookKind} ${name} has gone.` };
    }
    const { hooks } = dataSchema.parse(plan.data);
    // A hook that somebody took out meanwhile has nothing left to be restored.
    const here = hooks.filter((hook) => found.webhooks.some((one) => one.name === hook.name));
    const label = found.labels[INCIDENT_LABEL];
    if (label === undefined && here.every((hook) => selects(found, hook.name, hook.before))) {
      return { outcome: "restored" };
    }
    const isStillOurs = here.every(
      (hook) => selects(found, hook.name, NOTHING) || selects(found, hook.name, hook.before),
    );
    if (label !== plan.remediationId || !isStillOurs) throw foreignChange(found, webhookKind);
    await write.kubernetes(cluster).selectObjects(webhookKind, name, found, {
      selectors: Object.fromEntries(here.map((hook): [string, Json] => [hook.name, hook.before])),
      labels: { [INCIDENT_LABEL]: null },
    });
    return { outcome: "restored" };
  },
});

/** The very configuration of the plan; null where it has gone, also where another has its name. */
async function configurationOf(plan: Plan, read: ReadPorts["read"]): Promise<WebhookConfiguration | null> {
  const { cluster, webhookKind, name } = plannedTarget(plan, "webhook");
  const found = await read.kubernetes(cluster).webhooks(webhookKind, name);
  return found?.uid === plan.identity ? found : null;
}

function selects({ webhooks }: WebhookConfiguration, name: string, selector: Json): boolean {
  const hook = webhooks.find((one) => one.name === name);
  return hook !== undefined && canonicalJson(hook.objectSelector) === canonicalJson(selector);
}

function obstacleTo(found: WebhookConfiguration, remediationId: string): string | null {
  const label = found.labels[INCIDENT_LABEL];
  if (found.deleting) return "is being deleted";
  if (label !== undefined && label !== remediationId) {
    return `bears the label of remediation ${label}, which is not overwritten`;
  }
  const tooLarge = canonicalJson(found.webhooks).length > MOST_BEFORE;
  return knownWebhook(found) ?? (tooLarge ? "is too large to be kept in the plan" : null);
}

function hookWords({ name, service, url }: Webhook): string {
  const asked = service === null ? (url ?? "nobody") : `service ${service.namespace}/${service.name}`;
  return `${name} (asks ${asked})`;
}

function limitsOf({ webhooks, controller }: WebhookConfiguration): string[] {
  const failing = webhooks.filter(({ failurePolicy }) => failurePolicy === "Fail").map(({ name }) => name);
  return [
    "API servers may ask a hook for a second more, and what it has seen or changed until then stays.",
    "Whoever made it may enable it again or make another: its rights, and what answers it, stay.",
    ...(controller === null ? [] : [`Its owner, ${controller.kind} ${controller.name}, may set it back.`]),
    ...(failing.length === 0
      ? []
      : [`What was refused where these did not answer passes now: ${failing.join(", ")}.`]),
  ];
}

function foreignChange(found: WebhookConfiguration, kind: string): Conflict {
  // As the API server names an entry of a list that is known by its name.
  const selecting = found.webhooks.map(({ name }) => [
    "webhooks",
    `k:${JSON.stringify({ name })}`,
    "objectSelector",
  ]);
  const label = found.labels[INCIDENT_LABEL];
  const marked = label === undefined ? "without our label" : `with the label ${INCIDENT_LABEL}=${label}`;
  return new Conflict(
    `${kind} ${found.name} is neither as before nor as we left it, ${marked}: somebody else has changed it.`,
    "Look who changed it; its selectors were left alone.",
    { remains: [`${kind} ${found.name} stays as it is, ${marked}${byWhom(found, ...selecting, LABEL)}.`] },
  );
}
