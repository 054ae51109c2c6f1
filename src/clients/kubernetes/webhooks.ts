import type {
  V1MutatingWebhook,
  V1MutatingWebhookConfiguration,
  V1ValidatingWebhook,
  V1ValidatingWebhookConfiguration,
} from "@kubernetes/client-node";
import { FIELD_MANAGER } from "../../model/incident-mark.ts";
import type { Json } from "../../model/plan.ts";
import type {
  Webhook,
  WebhookConfiguration,
  WebhookKind,
  WebhookReader,
  WebhookWriter,
} from "../../model/webhook.ts";
import { type CheckedMetadata, checkedMetadata } from "./checked-answer.ts";
import type { Apis, Connection } from "./connection.ts";
import { checkName } from "./object-names.ts";
import { identityFrom } from "./objects-from-api.ts";

const apiGroup = "admissionregistration.k8s.io";
const RESOURCES = {
  ValidatingWebhookConfiguration: "validatingwebhookconfigurations",
  MutatingWebhookConfiguration: "mutatingwebhookconfigurations",
} as const;

/** The reading of webhook configurations over one connection. */
export function readWebhooks({ find }: Connection): WebhookReader {
  return {
    async webhooks(kind, name) {
      checkName(name);
      return find({ verb: "get", apiGroup, resource: RESOURCES[kind], name }, async (apis) => {
        const answer =
          kind === "ValidatingWebhookConfiguration"
            ? await apis.admission.readValidatingWebhookConfiguration({ name })
            : await apis.admission.readMutatingWebhookConfiguration({ name });
        return configurationFrom(apis, checkedMetadata(answer, { kind, name }), answer);
      });
    },
  };
}

/** The changing of webhook configurations over one connection. */
export function writeWebhooks({ call }: Connection): WebhookWriter {
  return {
    async selectObjects(kind: WebhookKind, name, { uid, resourceVersion }, { selectors, labels }) {
      checkName(name);
      return call({ verb: "patch", apiGroup, resource: RESOURCES[kind], name }, async (apis) => {
        // Hooks are known by their names: in this form of a patch those that are not named stay as they are. A selector is
        // one thing, so that nothing of the former one is left in it.
        const webhooks = Object.entries(selectors).map(([hook, selector]) => ({
          name: hook,
          objectSelector: { $patch: "replace", ...asMap(selector) },
        }));
        const body = { metadata: { uid, resourceVersion, labels }, webhooks };
        const of = { name, fieldManager: FIELD_MANAGER, body };
        const answer =
          kind === "ValidatingWebhookConfiguration"
            ? await apis.admission.patchValidatingWebhookConfiguration(of, apis.strategicPatch)
            : await apis.admission.patchMutatingWebhookConfiguration(of, apis.strategicPatch);
        return configurationFrom(apis, checkedMetadata(answer, { kind, name, uid }), answer);
      });
    },
  };
}

function asMap(selector: Json): object {
  return typeof selector === "object" && selector !== null ? selector : {};
}

function configurationFrom(
  apis: Apis,
  metadata: CheckedMetadata,
  { webhooks = [] }: V1ValidatingWebhookConfiguration | V1MutatingWebhookConfiguration,
): WebhookConfiguration {
  return { ...identityFrom(metadata), webhooks: webhooks.map((webhook) => webhookFrom(apis, webhook)) };
}

function webhookFrom(
  apis: Apis,
  { name, objectSelector, failurePolicy, clientConfig }: V1ValidatingWebhook | V1MutatingWebhook,
): Webhook {
  const { service, url } = clientConfig;
  const selector: Json = JSON.parse(JSON.stringify(apis.toWire(objectSelector ?? {}, "V1LabelSelector")));
  return {
    name,
    objectSelector: selector,
    failurePolicy: failurePolicy ?? null,
    service: service === undefined ? null : { namespace: service.namespace, name: service.name },
    url: url ?? null,
  };
}
