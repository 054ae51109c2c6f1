import type {
  V1ConfigMap,
  V1ValidatingAdmissionPolicy,
  V1ValidatingAdmissionPolicyBinding,
} from "@kubernetes/client-node";
import { LIST_GROUP, LIST_KIND, LIST_VERSION } from "../../model/admission-list.ts";
import { BLOCK_LIST, BLOCK_POLICY, FIELD_MANAGER, OWN_NAMESPACE } from "../../model/incident-mark.ts";
import type { BlockList } from "../../model/kubernetes-objects.ts";
import type { KubernetesWriter } from "../../model/kubernetes-port.ts";
import { changeAdmissionList, readAdmissionList } from "./admission-lists.ts";
import { checkedMetadata } from "./checked-answer.ts";
import type { Connection } from "./connection.ts";
import { managersFrom } from "./managers-from-api.ts";

const admission = { verb: "get", apiGroup: "admissionregistration.k8s.io", name: BLOCK_POLICY } as const;
const configMap = { namespace: OWN_NAMESPACE, name: BLOCK_LIST };

/** Reads the block list; null unless policy, binding and list are there and fit each other, so that an entry blocks. */
export async function readBlockList(connection: Connection): Promise<BlockList | null> {
  const { find } = connection;
  const [policy, binding] = await Promise.all([
    find({ ...admission, resource: "validatingadmissionpolicies" }, async (apis) => {
      const answer = await apis.admission.readValidatingAdmissionPolicy({ name: BLOCK_POLICY });
      checkedMetadata(answer, { kind: "ValidatingAdmissionPolicy", name: BLOCK_POLICY });
      return answer;
    }),
    find({ ...admission, resource: "validatingadmissionpolicybindings" }, async (apis) => {
      const answer = await apis.admission.readValidatingAdmissionPolicyBinding({ name: BLOCK_POLICY });
      checkedMetadata(answer, { kind: "ValidatingAdmissionPolicyBinding", name: BLOCK_POLICY });
      return answer;
    }),
  ]);
  const form = policy === null || binding === null || !bindsOurList(binding) ? null : formOf(policy);
  if (form === null) return null;
  if (form === "ConfigMap") return readConfigMap(connection);
  const list = await readAdmissionList(connection, BLOCK_LIST);
  return list === null ? null : { ...list, form };
}

/** The part of the writer that changes the block list, in whichever form the cluster has it. */
export function writeBlockList(connection: Connection): Pick<KubernetesWriter, "changeBlockList"> {
  return {
    async changeBlockList({ uid, resourceVersion, form }, entries) {
      if (form === "AdmissionList") {
        const condition = { uid, resourceVersion };
        return { ...(await changeAdmissionList(connection, BLOCK_LIST, condition, entries)), form };
      }
      const of = { verb: "patch", apiGroup: "", resource: "configmaps", ...configMap } as const;
      return connection.call(of, async ({ core, mergePatch }) => {
        const body = { metadata: { uid, resourceVersion }, data: entries };
        const changed = { ...configMap, fieldManager: FIELD_MANAGER, body };
        return listFrom(await core.patchNamespacedConfigMap(changed, mergePatch), uid);
      });
    },
  };
}

function readConfigMap({ find }: Connection): Promise<BlockList | null> {
  return find({ verb: "get", apiGroup: "", resource: "configmaps", ...configMap }, async ({ core }) =>
    listFrom(await core.readNamespacedConfigMap(configMap)),
  );
}

/** Our block list from the API's ConfigMap; raises `StrangeAnswer` where it is another object. */
function listFrom(answer: V1ConfigMap, expected?: string): BlockList {
  const { uid, resourceVersion, managedFields } = checkedMetadata(answer, {
    kind: "ConfigMap",
    ...configMap,
    ...(expected === undefined ? {} : { uid: expected }),
  });
  const managers = managersFrom(managedFields);
  return { uid, resourceVersion, entries: answer.data ?? {}, managers, form: "ConfigMap" };
}

/** Which list the policy reads; null: none that we know. */
function formOf({ spec }: V1ValidatingAdmissionPolicy): BlockList["form"] | null {
  const { apiVersion, kind } = spec?.paramKind ?? {};
  if (apiVersion === `${LIST_GROUP}/${LIST_VERSION}` && kind === LIST_KIND) return "AdmissionList";
  return apiVersion === "v1" && kind === "ConfigMap" ? "ConfigMap" : null;
}

function bindsOurList({ spec }: V1ValidatingAdmissionPolicyBinding): boolean {
  return (
    spec?.policyName === BLOCK_POLICY &&
    spec.paramRef?.name === BLOCK_LIST &&
    spec.paramRef.namespace === OWN_NAMESPACE &&
    spec.validationActions?.includes("Deny") === true
  );
}
