import { ENGINE_KINDS, type EngineResource } from "../../model/engine-kinds.ts";
import type {
  EngineDeny,
  EngineKind,
  EnginePolicy,
  EnginePolicyReader,
  EnginePolicyWriter,
  Unreadable,
} from "../../model/engine-policies.ts";
import { FIELD_MANAGER } from "../../model/incident-mark.ts";
import type { ApiCall } from "./api-call.ts";
import type { Apis, Connection } from "./connection.ts";
import {
  type CustomObject,
  checkedCustom,
  checkedCustomDeletion,
  checkedCustomItems,
  customMetadata,
} from "./custom-object.ts";
import { checkName, checkNamespace } from "./object-names.ts";
import { identityFrom } from "./objects-from-api.ts";
import { isUnreadable, unreadable } from "./unreadable.ts";

/** See `EnginePolicyReader`. */
export function readEnginePolicies({ call, find }: Connection): EnginePolicyReader {
  return {
    async enginePolicy({ kind, namespace, name }) {
      const of = placeOf(kind, namespace, name);
      return find<EnginePolicy | Unreadable>({ verb: "get", ...of.call }, async (apis) => {
        const { group, version, plural } = of;
        const asked = of.isNamespaced
          ? apis.custom.getNamespacedCustomObject({ group, version, plural, namespace, name })
          : apis.custom.getClusterCustomObject({ group, version, plural, name });
        const answer: unknown = await asked.catch(unreadable);
        return isUnreadable(answer) ? answer : policyFrom(apis, checkedCustom(answer, of.expected));
      });
    },
    async enginePolicies(kind, { namespace, tier }) {
      const of = ENGINE_KINDS[kind];
      if (namespace !== undefined) checkNamespace(namespace);
      if (tier !== undefined) checkName(tier);
      const within = namespace === undefined ? {} : { namespace };
      return call({ verb: "list", apiGroup: of.group, resource: of.plural, ...within }, async (apis) => {
        const { group, version, plural } = of;
        const labels = tier === undefined ? {} : { labelSelector: `projectcalico.org/tier=${tier}` };
        const asked =
          namespace === undefined
            ? apis.custom.listClusterCustomObject({ group, version, plural, ...labels })
            : apis.custom.listNamespacedCustomObject({ group, version, plural, namespace, ...labels });
        const answer: unknown = await asked.catch(unreadable);
        if (isUnreadable(answer)) return answer;
        return checkedCustomItems(answer, `${of.kind}List`).map((item) => policyFrom(apis, item));
      });
    },
  };
}

/** See `EnginePolicyWriter`. */
export function writeEnginePolicies({ call, find }: Connection): EnginePolicyWriter {
  return {
    async createEngineDeny({ kind, namespace, name, labels, annotations, spec }: EngineDeny) {
      const of = placeOf(kind, namespace, name);
      return call({ verb: "create", ...of.call }, async (apis) => {
        const { group, version, plural } = of;
        const metadata = { ...(of.isNamespaced ? { namespace } : {}), name, labels, annotations };
        const body = { apiVersion: `${group}/${version}`, kind: of.kind, metadata, spec };
        const made = { group, version, plural, fieldManager: FIELD_MANAGER, body };
        const answer: unknown = await (of.isNamespaced
          ? apis.custom.createNamespacedCustomObject({ ...made, namespace })
          : apis.custom.createClusterCustomObject(made));
        return policyFrom(apis, checkedCustom(answer, of.expected));
      });
    },
    async deleteEngineDeny({ kind, namespace, name }, { uid }) {
      const of = placeOf(kind, namespace, name);
      await find({ verb: "delete", ...of.call }, async ({ custom }) => {
        const { group, version, plural } = of;
        const one = { group, version, plural, name, body: { preconditions: { uid } } };
        const answer: unknown = await (of.isNamespaced
          ? custom.deleteNamespacedCustomObject({ ...one, namespace })
          : custom.deleteClusterCustomObject(one));
        checkedCustomDeletion(answer, { kind: of.kind, name, uid });
      });
    },
  };
}

/** Where an object is, after its names were checked. */
function placeOf(
  kind: EngineKind,
  namespace: string,
  name: string,
): EngineResource & {
  readonly call: Omit<ApiCall, "verb">;
  readonly expected: { readonly kind: string; readonly name: string; readonly namespace?: string };
} {
  const of = ENGINE_KINDS[kind];
  if (of.isNamespaced) checkNamespace(namespace);
  checkName(name);
  const named = of.isNamespaced ? { namespace, name } : { name };
  return {
    ...of,
    call: { apiGroup: of.group, version: of.version, resource: of.plural, ...named },
    expected: { kind: of.kind, ...named },
  };
}

function policyFrom(apis: Apis, object: CustomObject): EnginePolicy {
  return {
    ...identityFrom(customMetadata(apis, object)),
    spec: object["spec"] ?? null,
    status: object["status"] ?? null,
  };
}
